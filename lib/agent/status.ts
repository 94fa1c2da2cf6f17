import type { ComponentKeyCache, Owner } from "../keycache/mod.ts";
import type { Agent } from "./agent.ts";
import { type Health, notReadyReasons } from "./health.ts";

/** What an agent is doing, as the API and `edgekeyd status` show it. */
export interface AgentStatus {
  readonly state: "starting" | "in-step" | "partial" | "etcd-away" | "failing" | "retired";
  readonly nodeName: string;
  readonly prefix: string;
  readonly stateDir: string;
  /** How it was set up: flags, without their hyphens, as they are now. */
  readonly settings: Readonly<Record<string, string>>;
  /** Why it is not ready, and what to do; empty if it is. */
  readonly notReady: readonly string[];
  readonly etcd: {
    readonly state: "unknown" | "reachable" | "away";
    readonly endpoints: readonly string[];
    readonly revision: string;
    readonly clusterId: string;
    /** How long one read takes now; absent if nobody measured, or etcd did not answer. */
    readonly latencyMs?: number;
  };
  readonly keys: number;
  readonly components: readonly {
    readonly component: string;
    /** When it was last brought in step, ms since the epoch; absent if it never was. */
    readonly lastSyncMs?: number;
    readonly resources: readonly { readonly gvr: string; readonly keys: number }[];
  }[];
  /** Groups that wait to be looked at; null: all of them. */
  readonly dirtyGroups: number | null;
  /** Keys of a Txn whose outcome is not known yet. */
  readonly pendingKeys: number;
  /** Keys whose value in etcd this node did not write. */
  readonly othersKeys: number;
  /** Keys that are left to others, by key. */
  readonly conflicts: readonly { readonly key: string; readonly reason: string }[];
  readonly invalid: readonly { readonly path: string; readonly reason: string }[];
  readonly heldBack: readonly { readonly component: string; readonly deletes: number }[];
  /** Why the fs cache is not watched; absent if it is. */
  readonly watchFailure?: string;
  /** End of the last full pass, ms since the epoch; absent if there was none. */
  readonly lastSuccessMs?: number;
}

/** What an agent itself need not know of how it was set up. */
export interface Setup {
  /** etcd's. */
  readonly endpoints: readonly string[];
  readonly stateDir: string;
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Takes stock of an agent.
 *
 * @param agent the agent
 * @param setup how it was set up
 * @param latencyMs how fast etcd answers, if that was measured
 */
export function statusOf(agent: Agent, setup: Setup, latencyMs?: number): AgentStatus {
  const { cache, health } = agent;
  const conflicts = [...agent.conflicts].map(([key, reason]) => ({ key, reason })).sort(byKey);
  let othersKeys = 0;
  for (const row of cache.rows.values()) if (!row.ours && row.mod !== null) othersKeys++;
  const { dirtyGroups } = agent;
  return {
    state: stateOf(agent, conflicts.length),
    nodeName: cache.identity.nodeName,
    prefix: cache.identity.prefix,
    stateDir: setup.stateDir,
    settings: setup.settings,
    notReady: notReadyReasons(health),
    etcd: {
      state: health.etcd,
      endpoints: setup.endpoints,
      revision: health.revision,
      clusterId: health.clusterId,
      ...(latencyMs !== undefined && { latencyMs }),
    },
    keys: cache.rows.size,
    components: componentsOf(cache).map((component) => ({
      ...component,
      ...lastSync(health, component.component),
    })),
    dirtyGroups: Number.isFinite(dirtyGroups) ? dirtyGroups : null,
    pendingKeys: cache.intent?.header.entries ?? 0,
    othersKeys,
    conflicts,
    invalid: health.invalid,
    heldBack: health.heldBack,
    ...(health.watchFailure !== undefined && { watchFailure: health.watchFailure }),
    ...(health.lastSuccessMs !== undefined && { lastSuccessMs: health.lastSuccessMs }),
  };
}

/** A component, and how many keys it holds of each resource. */
export interface ComponentSummary {
  readonly component: string;
  readonly resources: readonly { readonly gvr: string; readonly keys: number }[];
}

/**
 * Every component that holds keys, in order.
 *
 * @param cache what is recorded
 */
export function componentsOf(cache: ComponentKeyCache): ComponentSummary[] {
  return [...cache.byOwner].map(([component, resources]) => ({
    component,
    resources: [...resources].map(([gvr, keys]) => ({ gvr, keys: keys.size })).sort(byGvr),
  })).sort((a, b) => (a.component < b.component ? -1 : 1));
}

/** Who holds a key, as it is shown. */
export type ShownOwner = Pick<
  Owner,
  "component" | "gvr" | "uid" | "resourceVersion" | "source"
>;

/**
 * Who holds an object key.
 *
 * @param cache what is recorded
 * @param key the object key
 */
export function ownersOf(cache: ComponentKeyCache, key: string): ShownOwner[] {
  const owners = cache.rows.get(key)?.owners ?? [];
  return owners.map(({ component, gvr, uid, resourceVersion, source }) => ({
    component,
    gvr,
    uid,
    resourceVersion,
    source,
  }));
}

function lastSync(health: Health, component: string): { lastSyncMs?: number } {
  const lastSyncMs = health.componentsSyncedMs.get(component) ?? health.lastSuccessMs;
  return lastSyncMs === undefined ? {} : { lastSyncMs };
}

function stateOf({ health }: Agent, conflicts: number): AgentStatus["state"] {
  if (health.retired) return "retired";
  if (health.etcd === "away") return "etcd-away";
  if (health.failure !== undefined) return "failing";
  if (health.lastSuccessMs === undefined) return "starting";
  return conflicts + health.invalid.length + health.heldBack.length > 0 ? "partial" : "in-step";
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1;
}

function byGvr(a: { gvr: string }, b: { gvr: string }): number {
  return a.gvr < b.gvr ? -1 : a.gvr > b.gvr ? 1 : 0;
}
