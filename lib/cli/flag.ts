/** What every flag has. */
interface Common {
  readonly help: string;
  /** As a user would write it; undefined: none, or see the help. */
  readonly default?: string;
  /** Only for `--reconcile`, only for the daemon, or only for these two (`sync`). */
  readonly only?: "reconcile" | "run" | "sync";
  readonly alias?: string;
  /** A running daemon has one of its own, and that counts for a command that asks it. */
  readonly setting?: true;
  /**
   * The state directory remembers it for runs to which it is not given (`recall` tells when):
   * whose node it is, how its cache is read, which etcd it has, how its daemon reconciles.
   */
  readonly remembered?: "identity" | "cache" | "etcd" | "run";
  /** It names a file. */
  readonly isPath?: true;
}

/** How a flag's text is read, and what it may be. */
type Kind =
  | { readonly kind: "boolean" | "text" | "list" }
  /** Whole numbers; a duration is in ms. */
  | { readonly kind: "integer" | "duration"; readonly min: number; readonly max: number }
  | { readonly kind: "choice"; readonly choices: readonly string[]; readonly default: string };

/** A flag: the one place where its name, its reading, its default and its help stand. */
export type Flag = Common & Kind;
