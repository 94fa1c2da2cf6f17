import type { EdgekeydError } from "../errors.ts";
import { EtcdError } from "../etcd/mod.ts";
import { KeyCacheError } from "../keycache/mod.ts";
import type { ReconcileOutcome } from "../reconcile/mod.ts";
import { HALF_REWRITTEN } from "./half_rewritten.ts";
import type { Log, LogFields } from "./log.ts";

/** More of one kind than this in one pass are counted, not logged; `status` has them all. */
const MAX_LOGGED = 20;

/** What is not as it should be after a pass, and stays so until something changes. */
export interface Standing {
  /** Keys left to others, each with the reason. */
  readonly conflicts: ReadonlyMap<string, string>;
  /** Paths that are not imported, each with the reason. */
  readonly invalid: ReadonlyMap<string, string>;
  /** Components whose deletes are held back, and how many. */
  readonly heldBack: ReadonlyMap<string, number>;
  /** Groups that are half rewritten for too long; there is no more to say of them. */
  readonly halfRewritten: ReadonlyMap<string, "">;
}

/** How one kind of it is told. */
interface Words {
  readonly appeared: string;
  readonly cleared: string;
  readonly fields: (name: string, what: string | number) => LogFields;
  /** What is known of it when it clears. */
  readonly name: (name: string) => LogFields;
}

const WORDS: Readonly<Record<keyof Standing, Words>> = {
  conflicts: {
    appeared: "key left to others",
    cleared: "no longer left to others",
    fields: (key, reason) => ({ key, reason }),
    name: (key) => ({ key }),
  },
  invalid: {
    appeared: "not imported",
    cleared: "no longer invalid",
    fields: (path, reason) => ({ path, reason }),
    name: (path) => ({ path }),
  },
  heldBack: {
    appeared: "deletes held back",
    cleared: "no deletes held back any more",
    fields: (component, deletes) => ({ component, deletes }),
    name: (component) => ({ component }),
  },
  halfRewritten: {
    appeared: `a resource group ${HALF_REWRITTEN}`,
    cleared: "no longer half rewritten",
    fields: (group) => ({ group }),
    name: (group) => ({ group }),
  },
};

const NOTHING: Standing = {
  conflicts: new Map(),
  invalid: new Map(),
  heldBack: new Map(),
  halfRewritten: new Map(),
};

/**
 * Logs what passes come to: a line when something changes for the worse or the better, none while
 * it stays.
 */
export class PassLog {
  readonly #log: Log;
  #standing = NOTHING;
  #notes: readonly string[] = [];
  /** Kinds of failures that were told of since the last pass that came to its end. */
  readonly #failed = new Set<string>();

  /** @param log where to */
  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Tells of a pass that came to its end.
   *
   * @param outcome what it came to
   * @param standing what is not as it should be now
   */
  passed({ report, notes }: ReconcileOutcome, standing: Standing): void {
    if (this.#failed.size > 0) this.#log("notice", "in step again");
    this.#failed.clear();
    // A note on how it is set up comes with each pass.
    for (const note of notes) if (!this.#notes.includes(note)) this.#log("notice", note);
    this.#notes = notes;
    const { created, updated, deleted, released, txns, revision, durationMs } = report;
    if (created + updated + deleted + released > 0) {
      const fields = { created, updated, deleted, released, txns, revision, durationMs };
      this.#log("info", "brought in step", fields);
    }
    // What was let go to another for good is over with this pass.
    const over = report.conflicts.filter(({ key }) => !standing.conflicts.has(key));
    this.#list("warning", WORDS.conflicts.appeared, over.map((one) => ({ ...one })));
    for (const kind of ["conflicts", "invalid", "heldBack", "halfRewritten"] as const) {
      this.#compare(WORDS[kind], this.#standing[kind], standing[kind]);
    }
    this.#standing = standing;
  }

  /**
   * Tells of a failure, if none of its kind was told of since all was well: what fails for another
   * reason than before asks for something else to be done.
   *
   * @param failure what failed
   */
  failed(failure: EdgekeydError): void {
    const { code, message } = failure;
    const kind = kindOf(failure);
    if (!this.#failed.has(kind)) this.#log("error", message, { code });
    this.#failed.add(kind);
  }

  #compare(
    { appeared, cleared, fields, name }: Words,
    before: ReadonlyMap<string, string | number>,
    now: ReadonlyMap<string, string | number>,
  ): void {
    const changed = [...now].filter(([one, what]) => before.get(one) !== what);
    this.#list("warning", appeared, changed.map(([one, what]) => fields(one, what)));
    this.#list("notice", cleared, [...before.keys()].filter((one) => !now.has(one)).map(name));
  }

  #list(level: "warning" | "notice", message: string, all: readonly LogFields[]): void {
    for (const fields of all.slice(0, MAX_LOGGED)) this.#log(level, message, fields);
    const more = all.length - MAX_LOGGED;
    if (more > 0) this.#log(level, `${message}: more, which \`edgekeyd status\` lists`, { more });
  }
}

/** How an etcd is missed differs from try to try, and it all comes to the same. */
const MISSED: ReadonlySet<string> = new Set(["unreachable", "timeout", "unavailable"]);

function kindOf(failure: EdgekeydError): string {
  const { code } = failure;
  if (!(failure instanceof EtcdError || failure instanceof KeyCacheError)) return code;
  return MISSED.has(failure.reason) ? code : `${code} ${failure.reason}`;
}
