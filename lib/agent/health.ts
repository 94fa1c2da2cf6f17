import type { InvalidPath } from "../fscache/mod.ts";
import type { ReconcileOutcome, ReconcileReport } from "../reconcile/mod.ts";

/** What the last passes said, as far as it still holds. */
export interface Health {
  /** etcd answers. */
  readonly etcd: "unknown" | "reachable" | "away";
  /** Why the last pass failed; undefined if it did not. */
  readonly failure: string | undefined;
  /** Why the fs cache is not watched; undefined if it is. */
  readonly watchFailure: string | undefined;
  readonly invalid: readonly InvalidPath[];
  readonly heldBack: readonly { readonly component: string; readonly deletes: number }[];
  /** Wall clock of the last full pass that came to its end, ms since the epoch. */
  readonly lastSuccessMs: number | undefined;
  readonly lastReport: ReconcileReport | undefined;
}

/** The health of an agent that has done nothing yet. */
export const UNKNOWN_HEALTH: Health = {
  etcd: "unknown",
  failure: undefined,
  watchFailure: undefined,
  invalid: [],
  heldBack: [],
  lastSuccessMs: undefined,
  lastReport: undefined,
};

/**
 * Health after a pass. A pass over a few groups only speaks of these; the rest stays as it was.
 *
 * @param before what held until now
 * @param outcome what the pass came to
 * @param groups what it looked at; undefined: everything
 * @param nowMs wall clock
 */
export function healthAfter(
  before: Health,
  outcome: ReconcileOutcome,
  groups: ReadonlySet<string> | undefined,
  nowMs: number,
): Health {
  const { report, failure } = outcome;
  if (failure) {
    const away = failure.code === "Etcd";
    return { ...before, etcd: away ? "away" : before.etcd, failure: failure.message };
  }
  const elsewhere = (path: string) => groups !== undefined && !groups.has(groupOf(path));
  const components = groups && new Set([...groups].map((group) => group.split("/", 1)[0]));
  const others = before.heldBack.filter((held) => components && !components.has(held.component));
  return {
    ...before,
    etcd: "reachable",
    failure: undefined,
    invalid: [...before.invalid.filter(({ path }) => elsewhere(path)), ...report.invalid],
    heldBack: [...others, ...report.heldBack],
    lastSuccessMs: groups === undefined ? nowMs : before.lastSuccessMs,
    lastReport: report,
  };
}

/** Why an agent is not ready; empty if it is. */
export function notReadyReasons(health: Health): string[] {
  const reasons: string[] = [];
  if (health.failure !== undefined) reasons.push(health.failure);
  else if (health.lastSuccessMs === undefined) reasons.push("the first full pass is under way");
  for (const { component, deletes } of health.heldBack) {
    reasons.push(
      `${deletes} deletes of ${component} are held back; check its cache directory, then run ` +
        "`edgekeyd --reconcile --confirm-deletes`",
    );
  }
  return reasons;
}

function groupOf(path: string): string {
  return path.split("/", 2).map((segment) => segment.replace(/^(tmp_)+/, "")).join("/");
}
