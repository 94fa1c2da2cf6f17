import type { InvalidPath } from "../fscache/mod.ts";

/** One step of a plan, as a dry run shows it. */
export interface PlanStep {
  readonly key: string;
  readonly action: "put" | "delete" | "release";
  /** `component/gvr` that takes up or lets go of the key. */
  readonly owner: string;
  readonly reason: string;
}

/** What a reconcile did, or would do. */
export interface ReconcileReport {
  /** `partial`: in step but for what is held back, in conflict, or invalid. */
  readonly status: "in-step" | "partial" | "failed";
  /** Keys. */
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  /** Ownerships that were let go without deleting a key. */
  readonly released: number;
  /** Keys. */
  readonly unchanged: number;
  readonly conflicts: readonly { readonly key: string; readonly reason: string }[];
  readonly invalid: readonly InvalidPath[];
  readonly heldBack: readonly { readonly component: string; readonly deletes: number }[];
  readonly txns: number;
  readonly staged: boolean;
  /** Pending Txns of an earlier run that were resolved. */
  readonly recovered: number;
  readonly revision: string;
  readonly clusterId: string;
  readonly durationMs: number;
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
