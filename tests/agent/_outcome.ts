import type { EtcdError } from "../../lib/etcd/mod.ts";
import { NOTHING_DONE, type ReconcileOutcome } from "../../lib/reconcile/mod.ts";

/** What a pass came to. */
export function outcome(
  report: Partial<ReconcileOutcome["report"]> = {},
  failure?: EtcdError,
): ReconcileOutcome {
  return {
    report: {
      ...NOTHING_DONE,
      revision: "7",
      clusterId: "8",
      durationMs: 1,
      ...report,
    },
    notes: [],
    busy: [],
    missing: new Map(),
    rewriting: [],
    secrets: new Map(),
    yielded: { keys: new Set(), groups: new Set() },
    failure,
  };
}
