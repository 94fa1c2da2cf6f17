import { EtcdError, type EtcdErrorReason } from "../etcd/mod.ts";
import type { EdgekeydError } from "../errors.ts";
import type { InvalidPath } from "../fscache/mod.ts";
import { KeyCacheError } from "../keycache/mod.ts";
import type { ReconcileOutcome, ReconcileReport } from "../reconcile/mod.ts";
import { FenceError } from "../store/mod.ts";

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
  /** etcd's revision and cluster id as a pass saw them last; empty if none did. */
  readonly revision: string;
  readonly clusterId: string;
  /** The same for components that a later pass looked at. */
  readonly componentsSyncedMs: ReadonlyMap<string, number>;
  /** This node left the pool, and writes no more. */
  readonly retired: boolean;
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
  revision: "",
  clusterId: "",
  componentsSyncedMs: new Map(),
  retired: false,
};

/** Failures after which etcd is not taken to be there. */
const AWAY: ReadonlySet<EtcdErrorReason> = new Set([
  "unreachable",
  "timeout",
  "unavailable",
  "tls",
]);

/**
 * Health after a failure.
 *
 * @param before what held until now
 * @param failure what failed
 */
export function healthAfterFailure(before: Health, failure: EdgekeydError): Health {
  const etcd = !(failure instanceof EtcdError)
    ? before.etcd
    : AWAY.has(failure.reason)
    ? "away"
    : "reachable";
  return { ...before, etcd, failure: failure.message };
}

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
  if (failure) return healthAfterFailure(before, failure);
  const elsewhere = (path: string) => groups !== undefined && !groups.has(groupOf(path));
  const components = groups && new Set([...groups].map(componentOf));
  // A pass over some groups of a component does not see what is held back in the others.
  const again = new Set(report.heldBack.map(({ component }) => component));
  const others = before.heldBack.filter(({ component }) => components && !again.has(component));
  return {
    ...before,
    etcd: "reachable",
    failure: undefined,
    invalid: [...before.invalid.filter(({ path }) => elsewhere(path)), ...report.invalid],
    heldBack: [...others, ...report.heldBack],
    lastSuccessMs: groups === undefined ? nowMs : before.lastSuccessMs,
    lastReport: report,
    revision: report.revision || before.revision,
    clusterId: report.clusterId || before.clusterId,
    componentsSyncedMs: components
      ? new Map([...before.componentsSyncedMs, ...[...components].map(at(nowMs))])
      : new Map(),
  };
}

/**
 * Tells whether a failure of one operation is one of etcd or of the component-key cache, so that
 * it would be the next one's too.
 *
 * @param failure what it failed with
 */
export function isOfEitherSide(failure: EdgekeydError): boolean {
  return failure instanceof EtcdError
    ? AWAY.has(failure.reason)
    : failure instanceof KeyCacheError || failure instanceof FenceError;
}

/** Why an agent is not ready; empty if it is. */
export function notReadyReasons(health: Health): string[] {
  const reasons: string[] = [];
  if (health.retired) {
    return ["this node was retired; start edgekeyd anew to let it take part again"];
  }
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

function componentOf(group: string): string {
  return group.slice(0, group.indexOf("/"));
}

function at(nowMs: number): (component: string) => [string, number] {
  return (component) => [component, nowMs];
}
