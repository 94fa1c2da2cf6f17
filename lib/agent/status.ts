import type { ComponentKeyCache, Owner } from "../keycache/mod.ts";
import { type ConflictPolicy, standingConflicts } from "../store/mod.ts";
import type { Agent } from "./agent.ts";
import { componentOfPath, type Health, notReadyReasons } from "./health.ts";

/** How a node is doing. What only a daemon knows is absent where none runs. */
export interface NodeStatus {
  /** A daemon runs, and said this. */
  readonly daemon: boolean;
  readonly state: "starting" | "in-step" | "partial" | "etcd-away" | "failing" | "retired";
  readonly nodeName: string;
  readonly prefix: string;
  readonly stateDir: string;
  /** How the daemon was set up: flags, without their hyphens, as they are now. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Why it is not ready, and what to do; empty if it is. */
  readonly notReady: readonly string[];
  readonly etcd: {
    readonly state: "unknown" | "reachable" | "away";
    readonly endpoints: readonly string[];
    /** As the daemon's last pass saw it, or as of now; empty if nobody did. */
    readonly revision: string;
    readonly clusterId: string;
    /** How long one read takes now; absent if nobody measured, or etcd did not answer. */
    readonly latencyMs?: number;
  };
  readonly keys: number;
  readonly components: readonly ComponentStatus[];
  /** Groups that wait to be looked at; null: all of them. */
  readonly dirtyGroups?: number | null;
  /** Keys of a Txn whose outcome is not known yet. */
  readonly pendingKeys: number;
  /** Keys whose value in etcd this node did not write. */
  readonly othersKeys: number;
  /** Keys that are left to others, by key. */
  readonly conflicts: readonly { readonly key: string; readonly reason: string }[];
  readonly invalid?: readonly { readonly path: string; readonly reason: string }[];
  readonly heldBack?: readonly { readonly component: string; readonly deletes: number }[];
  /** Groups (`component/directory`) that are half rewritten for too long; absent if none are. */
  readonly halfRewritten?: readonly string[];
  /** Why the fs cache is not watched; absent if it is. */
  readonly watchFailure?: string;
  /** End of the last full pass, ms since the epoch; absent if there was none. */
  readonly lastSuccessMs?: number;
}

/** What an agent is doing, as the API and `edgekeyd status` show it. */
export interface AgentStatus extends NodeStatus {
  readonly daemon: true;
  readonly settings: Readonly<Record<string, string>>;
  readonly components: readonly WatchedComponentStatus[];
  readonly dirtyGroups: number | null;
  readonly invalid: NonNullable<NodeStatus["invalid"]>;
  readonly heldBack: NonNullable<NodeStatus["heldBack"]>;
}

/** How a component is doing. It is in step if it was looked at and all that is counted is 0. */
export interface ComponentStatus extends ComponentSummary {
  /** Its keys that are left to others. */
  readonly conflicts: number;
  /** Its paths that are not imported. */
  readonly invalid?: number;
  /** Its deletes that are held back. */
  readonly heldBack?: number;
  /** When it was last looked at, ms since the epoch; absent if it never was. */
  readonly lastSyncMs?: number;
}

/** The same, where a daemon looks at it. */
export type WatchedComponentStatus =
  & ComponentStatus
  & Required<Pick<ComponentStatus, "invalid" | "heldBack">>;

/** What an agent itself need not know of how it was set up. */
export interface Setup {
  /** etcd's. */
  readonly endpoints: readonly string[];
  readonly stateDir: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** What the component-key cache tells of its node. */
export type CacheStatus = Pick<
  NodeStatus,
  "nodeName" | "prefix" | "keys" | "components" | "pendingKeys" | "othersKeys" | "conflicts"
>;

/**
 * Takes stock of a component-key cache.
 *
 * @param cache the cache
 * @param policy what counts as a conflict
 */
export function cacheStatusOf(cache: ComponentKeyCache, policy: ConflictPolicy): CacheStatus {
  const conflicts = standingConflicts(cache.rows, { policy, adopting: false });
  const byComponent = new Map<string, number>();
  for (const key of conflicts.keys()) {
    const owners = cache.rows.get(key)?.owners ?? [];
    for (const component of new Set(owners.map((owner) => owner.component))) {
      byComponent.set(component, (byComponent.get(component) ?? 0) + 1);
    }
  }
  let othersKeys = 0;
  for (const row of cache.rows.values()) if (!row.ours && row.mod !== null) othersKeys++;
  return {
    nodeName: cache.identity.nodeName,
    prefix: cache.identity.prefix,
    keys: cache.rows.size,
    components: componentsOf(cache).map((summary) => ({
      ...summary,
      conflicts: byComponent.get(summary.component) ?? 0,
    })),
    pendingKeys: cache.intent?.header.entries ?? 0,
    othersKeys,
    conflicts: [...conflicts].map(([key, reason]) => ({ key, reason })).sort(byKey),
  };
}

/**
 * Takes stock of an agent.
 *
 * @param agent the agent
 * @param setup how it was set up
 * @param latencyMs how fast etcd answers, if that was measured
 */
export function statusOf(agent: Agent, setup: Setup, latencyMs?: number): AgentStatus {
  const { cache, health, dirtyGroups } = agent;
  const { components, ...found } = cacheStatusOf(cache, agent.reconcileOptions.policy);
  return {
    daemon: true,
    state: stateOf(health, found.conflicts.length),
    ...found,
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
    components: components.map((component) => watched(component, health)),
    dirtyGroups: Number.isFinite(dirtyGroups) ? dirtyGroups : null,
    invalid: health.invalid,
    heldBack: health.heldBack,
    ...(health.halfRewritten.length > 0 && { halfRewritten: health.halfRewritten }),
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

function watched(component: ComponentStatus, health: Health): WatchedComponentStatus {
  const { component: name } = component;
  const lastSyncMs = health.componentsSyncedMs.get(name) ?? health.lastSuccessMs;
  return {
    ...component,
    invalid: health.invalid.filter(({ path }) => componentOfPath(path) === name).length,
    heldBack: health.heldBack.find((held) => held.component === name)?.deletes ?? 0,
    ...(lastSyncMs !== undefined && { lastSyncMs }),
  };
}

function stateOf(health: Health, conflicts: number): AgentStatus["state"] {
  if (health.retired) return "retired";
  if (health.etcd === "away") return "etcd-away";
  if (health.failure !== undefined) return "failing";
  if (health.lastSuccessMs === undefined) return "starting";
  const { invalid, heldBack, halfRewritten } = health;
  const exceptions = conflicts + invalid.length + heldBack.length + halfRewritten.length;
  return exceptions > 0 ? "partial" : "in-step";
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1;
}

function byGvr(a: { gvr: string }, b: { gvr: string }): number {
  return a.gvr < b.gvr ? -1 : a.gvr > b.gvr ? 1 : 0;
}
