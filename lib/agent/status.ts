import type { Agent } from "./agent.ts";
import { notReadyReasons } from "./health.ts";

/** What an agent is doing, as the API and `edgekeyd status` show it. */
export interface AgentStatus {
  readonly state: "starting" | "in-step" | "partial" | "etcd-away" | "failing";
  readonly nodeName: string;
  readonly prefix: string;
  /** Why it is not ready, and what to do; empty if it is. */
  readonly notReady: readonly string[];
  readonly etcd: {
    readonly state: "unknown" | "reachable" | "away";
    readonly endpoints: readonly string[];
    readonly revision: string;
    readonly clusterId: string;
  };
  readonly keys: number;
  readonly components: readonly {
    readonly component: string;
    readonly resources: readonly { readonly gvr: string; readonly keys: number }[];
  }[];
  /** Groups that wait to be looked at; null: all of them. */
  readonly dirtyGroups: number | null;
  /** Keys of a Txn whose outcome is not known yet. */
  readonly pendingKeys: number;
  /** Keys whose value in etcd this node did not write. */
  readonly othersKeys: number;
  /** Keys that an apiserver wrote, and that are left alone. */
  readonly conflicts: readonly string[];
  readonly invalid: readonly { readonly path: string; readonly reason: string }[];
  readonly heldBack: readonly { readonly component: string; readonly deletes: number }[];
  /** Why the fs cache is not watched; absent if it is. */
  readonly watchFailure?: string;
  /** End of the last full pass, ms since the epoch; absent if there was none. */
  readonly lastSuccessMs?: number;
}

/**
 * Takes stock of an agent.
 *
 * @param agent the agent
 * @param endpoints etcd's, as configured
 */
export function statusOf(agent: Agent, endpoints: readonly string[]): AgentStatus {
  const { cache, health } = agent;
  const conflicts: string[] = [];
  let othersKeys = 0;
  for (const row of cache.rows.values()) {
    if (row.ours || row.mod === null) continue;
    othersKeys++;
    if (row.resourceVersion === "") conflicts.push(row.key);
  }
  const { dirtyGroups } = agent;
  return {
    state: stateOf(agent, conflicts.length),
    nodeName: cache.identity.nodeName,
    prefix: cache.identity.prefix,
    notReady: notReadyReasons(health),
    etcd: {
      state: health.etcd,
      endpoints,
      revision: health.lastReport?.revision ?? "",
      clusterId: health.lastReport?.clusterId ?? "",
    },
    keys: cache.rows.size,
    components: [...cache.byOwner].map(([component, resources]) => ({
      component,
      resources: [...resources].map(([gvr, keys]) => ({ gvr, keys: keys.size })).sort(byGvr),
    })).sort((a, b) => (a.component < b.component ? -1 : 1)),
    dirtyGroups: Number.isFinite(dirtyGroups) ? dirtyGroups : null,
    pendingKeys: cache.intent?.header.entries ?? 0,
    othersKeys,
    conflicts: conflicts.sort(),
    invalid: health.invalid,
    heldBack: health.heldBack,
    ...(health.watchFailure !== undefined && { watchFailure: health.watchFailure }),
    ...(health.lastSuccessMs !== undefined && { lastSuccessMs: health.lastSuccessMs }),
  };
}

function stateOf({ health }: Agent, conflicts: number): AgentStatus["state"] {
  if (health.etcd === "away") return "etcd-away";
  if (health.failure !== undefined) return "failing";
  if (health.lastSuccessMs === undefined) return "starting";
  return conflicts + health.invalid.length + health.heldBack.length > 0 ? "partial" : "in-step";
}

function byGvr(a: { gvr: string }, b: { gvr: string }): number {
  return a.gvr < b.gvr ? -1 : a.gvr > b.gvr ? 1 : 0;
}
