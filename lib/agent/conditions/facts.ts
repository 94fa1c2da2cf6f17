import type { ComponentRemains } from "../../fscache/mod.ts";
import type { DaemonMark } from "../../keycache/mod.ts";
import type { FarAhead } from "../../store/mod.ts";
import type { Health } from "../health.ts";

/** What conditions are told with, whatever was found out. */
export interface Surroundings {
  /** The state directory, if commands have to name it. */
  readonly namedStateDir?: string | undefined;
  /** Looks what is left of a component in the fs cache; absent: nobody does. */
  readonly remainsOf?: ((component: string) => ComponentRemains | undefined) | undefined;
}

/** What was found out about a node. Where something is absent, nobody looked. */
export interface Facts extends Partial<Health>, Surroundings {
  /** A daemon runs: it has passes of its own. */
  readonly daemon?: boolean;
  /** The installed service that should hold the state directory, while nobody does. */
  readonly idleService?: string | undefined;
  /** What a daemon left behind that nobody stopped, while nobody holds the state directory. */
  readonly lostDaemon?: DaemonMark | undefined;
  /** What the last pass failed with, as it is remembered where no daemon runs, in words. */
  readonly lastFailure?: { readonly code: string; readonly words: string } | undefined;
  /** Why the fs cache's root can't be read, where no daemon runs; undefined if it can. */
  readonly rootFailure?: string | undefined;
  /** Groups that the last run found being rewritten or moved, and that no run looked at since. */
  readonly waiting?: readonly string[];
  /** `--node-name`. */
  readonly nodeName?: string;
  /** The root of the fs cache. */
  readonly cacheRoot?: string;
  /** Keys that are left to others, each with the reason. */
  readonly conflicts?: ReadonlyMap<string, string>;
  /** Keys whose value another importer wrote, and which no owner holds, each with what is known. */
  readonly others?: ReadonlyMap<string, string>;
  /** A component whose resourceVersions are far beyond those of all others. */
  readonly farAhead?: FarAhead | undefined;
  /** Keys of a Txn of which nobody knows what became of it. */
  readonly pendingKeys?: number;
  /** Keys that may be missing in etcd, and were not looked at there since. */
  readonly unverifiedKeys?: number;
}
