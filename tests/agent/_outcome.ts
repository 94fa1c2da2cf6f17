import type { EtcdError } from "../../lib/etcd/mod.ts";
import type { ReconcileOutcome } from "../../lib/reconcile/mod.ts";

/** What a pass came to. */
export function outcome(
  report: Partial<ReconcileOutcome["report"]> = {},
  failure?: EtcdError,
): ReconcileOutcome {
  return {
    report: {
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
      revision: "7",
      clusterId: "8",
      durationMs: 1,
      phasesMs: { recover: 0, scan: 0, plan: 0, commit: 0 },
      ...report,
    },
    notes: [],
    busy: [],
    missing: new Map(),
    rewriting: [],
    failure,
  };
}
