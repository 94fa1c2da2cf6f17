import type { ITxnRequest } from "etcd3";
import type { KeyValue } from "../../lib/etcd/mod.ts";
import type { EtcdLedger, KeyChange } from "./etcd_ledger.ts";
import type { Cloud, Version } from "./cloud.ts";
import type { Flags } from "./flags.ts";
import type { KvDisk } from "./kv_disk.ts";
import type { ConflictPolicy } from "../../lib/store/mod.ts";
import type { Marks } from "./marks.ts";
import type { NodeModel } from "./node_model.ts";
import type { Prng } from "./prng.ts";
import type { Scheduler } from "./scheduler.ts";
import type { VirtualClock } from "./virtual_clock.ts";
import type { Weather } from "./weather.ts";

/** Thrown where a process dies: no code of the agent's may catch it. */
export class CrashSignal extends Error {
  override name = "CrashSignal";
}

/** A checker has found an invariant broken. */
export class InvariantError extends Error {
  override name = "InvariantError";
  readonly checker: string;

  /**
   * @param checker its name
   * @param text what it has seen
   */
  constructor(checker: string, text: string) {
    super(`${checker}: ${text}`);
    this.checker = checker;
  }
}

/** What a tool has put through the API, as far as it was told. */
export interface ApiList {
  readonly keys: ReadonlySet<string>;
  /** The last replacement is known to have been done. */
  readonly sure: boolean;
}

/**
 * One state directory, and what its agents have done. When it is lost or put back to an older
 * copy, what came after the copy was done by nobody that is left.
 */
export interface Lineage {
  readonly name: string;
  readonly node: NodeModel;
  readonly disk: KvDisk;
  /** Times of which its disk knows nothing any more: after the first tick, up to the second. */
  readonly lost: { readonly after: number; readonly upTo: number }[];
  /** Fence values of Txns that its disk was put back to: their intent is pending again. */
  readonly keptTxns: Set<string>;
  /** Fence values of Txns that a bump has made impossible. */
  readonly killedTxns: Set<string>;
  /** What its API was told, by component and namespace. */
  readonly apiLists: Map<string, ApiList>;
  /** An operator may still start it. */
  live: boolean;
  /** Its agent said that it must not go on; an operator has to act. */
  refused: boolean;
  /** Tick at which it last rebuilt its cache by adoption. */
  adoptedTick: number;
  /** Tick at which the running operation began; Infinity if none is running. */
  operationStart: number;
}

/** What an agent was doing when it did something. */
export interface Operation {
  readonly kind:
    | "reconcile"
    | "group-pass"
    | "adopt"
    | "replace-list"
    | "create-object"
    | "update-object"
    | "delete-object"
    | "delete-component"
    | "delete-unclaimed"
    | "take-over"
    | "retire"
    | "verify"
    | "dry-run";
  readonly lineage: Lineage;
  readonly startTick: number;
  readonly policy: ConflictPolicy;
  /** What its agent is told to look at. */
  readonly flags: Flags;
  /** Where all keys that it may write begin, if that is limited. */
  readonly within: string | undefined;
  readonly component: string | undefined;
  /** For a take-over as what the keys were recorded, for one object of what resource it is. */
  readonly gvr?: string;
  /** For what is about single keys: which. */
  readonly keys?: ReadonlySet<string>;
  /** For one object that is put: in which version. */
  readonly version?: Version;
  /** It looks at the fence before it decides what is to be done. */
  readonly recoversFirst: boolean;
}

/** Who wrote something, and when. */
export type Write =
  | { readonly by: "foreign"; readonly tick: number }
  | {
    readonly by: "agent";
    readonly tick: number;
    readonly sentTick: number;
    /** What the Txn gives to the fence. */
    readonly next: string;
    readonly lineage: Lineage;
    readonly operation: Operation;
  };

/** Told of everything that happens outside the agent. */
export interface Checker {
  readonly name: string;
  /** An agent sends a Txn. */
  txnSent?(lineage: Lineage, request: ITxnRequest, operation: Operation): void;
  /** An operation has read a range of keys, as it is now or at a revision of before. */
  etcdRead?(
    lineage: Lineage,
    first: string,
    end: string,
    isNow: boolean,
    kvs: readonly KeyValue[],
  ): void;
  /** etcd has a new revision. */
  etcdChanged?(changes: readonly KeyChange[], write: Write, request?: ITxnRequest): void;
  /** etcd came back empty or from a copy. */
  etcdReplaced?(): void;
  /** A database has changed, by its agent. */
  kvChanged?(lineage: Lineage): void;
  /** A database was lost or rolled back. */
  kvReplaced?(lineage: Lineage): void;
  /** An operation begins. */
  operationBegins?(operation: Operation): void;
  /** An operation has ended: without a failure, with one of the agent's, or by a crash. */
  operationEnded?(operation: Operation, failure: Error | undefined): void;
  /** Nothing changes any more. */
  atRest?(): void;
}

/** All that a run consists of. */
export interface World {
  readonly prng: Prng;
  readonly clock: VirtualClock;
  readonly scheduler: Scheduler;
  readonly etcd: EtcdLedger<Write>;
  readonly cloud: Cloud;
  readonly nodes: readonly NodeModel[];
  readonly lineages: Lineage[];
  readonly marks: Marks;
  readonly checkers: readonly Checker[];
  /** Lineages whose policy is to replace nothing of others. */
  readonly skipping: Set<string>;
  weather: Weather;
  /** What is left to be done is done, held-back deletes included, until everything is at rest. */
  isComingToRest: boolean;
  /** Counts everything that happens. */
  tick: number;
  /** Tick of the latest reset or restore of etcd. */
  replacedTick: number;
  /** Highest revision that any agent was told. */
  seenRevision: number;
  /** Writes down one line of the run. */
  trace(line: () => string): void;
}

/** Calls one method of every checker. */
export function tell(world: World, call: (checker: Checker) => void): void {
  for (const checker of world.checkers) call(checker);
}

/** Stops the run: an invariant does not hold. */
export function broken(checker: Checker, text: string): never {
  throw new InvariantError(checker.name, text);
}

/** Tells whether a state in etcd was written by what a lineage still knows of. */
export function isBy(write: Write | undefined, lineage: Lineage): boolean {
  if (write?.by !== "agent" || write.lineage !== lineage) return false;
  return lineage.keptTxns.has(write.next) ||
    !lineage.lost.some(({ after, upTo }) => write.sentTick > after && write.sentTick <= upTo);
}

/** The key of a node's fence. */
export function fenceOf({ node }: Lineage): string {
  return `/edgekeyd/${node.name}/fence`;
}
