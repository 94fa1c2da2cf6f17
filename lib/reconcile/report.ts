import type { InvalidPath } from "../fscache/mod.ts";
import type { HeldBack } from "../keycache/mod.ts";

/** One step of a plan, as a dry run shows it. */
export interface PlanStep {
  /** The object key. */
  readonly key: string;
  /** What would be done. */
  readonly action: "put" | "delete" | "release";
  /** `component/gvr` that takes up or lets go of the key. */
  readonly owner: string;
  /** Why. */
  readonly reason: string;
}

/** A key that is to be put, and whose file can't be imported. */
export interface KeyNotPut {
  /** The object key. */
  readonly key: string;
  /** The file, below the cache root. */
  readonly path: string;
  /** What etcd holds. */
  readonly reason: string;
}

/** What a reconcile did, or would do. */
export interface ReconcileReport {
  /** `partial`: in step but for what is held back, in conflict, invalid, or still being rewritten. */
  readonly status: "in-step" | "partial" | "failed";
  /** Keys that did not exist and were put. */
  readonly created: number;
  /** Keys that existed and were put. */
  readonly updated: number;
  /** Keys that were deleted. */
  readonly deleted: number;
  /** Ownerships that were let go without deleting a key. */
  readonly released: number;
  /** Keys that are held and needed nothing. */
  readonly unchanged: number;
  /** Keys that were left to others. */
  readonly conflicts: readonly { readonly key: string; readonly reason: string }[];
  /** Keys that are to be put, and whose file can't be imported; only if there are any. */
  readonly notPut?: readonly KeyNotPut[];
  /**
   * Core Secrets of the fs cache that are not imported, where that is not asked for; only if there
   * are any.
   */
  readonly secretsLeftOut?: number;
  /** Files that stand for nothing in etcd. */
  readonly invalid: readonly InvalidPath[];
  /** Deletes in bulk that wait for `--confirm-deletes`. */
  readonly heldBack: readonly HeldBack[];
  /**
   * Groups (`component/directory`) that are being rewritten or moved: what is missing in them was
   * kept. Only if there are any.
   */
  readonly busy?: readonly string[];
  /** Txns that were applied. */
  readonly txns: number;
  /** A group was split over several Txns. */
  readonly staged: boolean;
  /** Pending Txns of an earlier run that were resolved. */
  readonly recovered: number;
  /** etcd's revision after it, decimal. */
  readonly revision: string;
  /** etcd's cluster id, decimal. */
  readonly clusterId: string;
  /** All of it. */
  readonly durationMs: number;
  /** By phase. */
  readonly phasesMs: {
    readonly recover: number;
    readonly scan: number;
    readonly plan: number;
    readonly commit: number;
  };
  /**
   * Only when a lost cache was rebuilt: keys of its resources that an importer wrote and that
   * nobody here owns.
   */
  readonly unclaimed?: readonly string[];
  /** Only of a dry run. */
  readonly plan?: readonly PlanStep[];
}

/** The report of a run that found everything as it should be. */
export const NOTHING_DONE: ReconcileReport = {
  status: "in-step",
  created: 0,
  updated: 0,
  deleted: 0,
  released: 0,
  unchanged: 0,
  conflicts: [],
  invalid: [],
  heldBack: [],
  txns: 0,
  staged: false,
  recovered: 0,
  revision: "",
  clusterId: "",
  durationMs: 0,
  phasesMs: { recover: 0, scan: 0, plan: 0, commit: 0 },
};
