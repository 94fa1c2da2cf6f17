import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { Agent } from "./agent.ts";
import type { Answers } from "./api/schemas.ts";
import type { Facts } from "./condition.ts";
import { reasonsOf, stateOf } from "./condition_words.ts";
import { conditionsOf } from "./conditions.ts";
import { componentOfPath, type Health } from "./health.ts";

/** How a node is doing. What only a daemon knows is absent where none runs. */
export type NodeStatus = Answers["Status"];

/** The same, as a daemon says it of itself. */
export type AgentStatus =
  & NodeStatus
  & Required<Pick<NodeStatus, "settings" | "dirtyGroups" | "invalid" | "heldBack">>;

/** How a component is doing. It is in step if it was looked at and all that is counted is 0. */
export type ComponentStatus = NodeStatus["components"][number];

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
 * @param conflicts its keys that are left to others, each with the reason
 */
export function cacheStatusOf(
  cache: ComponentKeyCache,
  conflicts: ReadonlyMap<string, string>,
): CacheStatus {
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
  const { cache, health, facts, dirtyGroups } = agent;
  const { components, ...found } = cacheStatusOf(cache, facts.conflicts);
  return {
    daemon: true,
    ...judgementOf(facts),
    ...found,
    stateDir: setup.stateDir,
    settings: setup.settings,
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

/**
 * Judges a node.
 *
 * @param facts what was found out about it
 */
export function judgementOf(facts: Facts): Pick<NodeStatus, "state" | "notReady" | "conditions"> {
  const conditions = conditionsOf(facts);
  return { state: stateOf(conditions), notReady: reasonsOf(conditions), conditions };
}

/** A component, and how many keys it holds of each resource. */
export type ComponentSummary = Answers["Components"][number];

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
export type ShownOwner = Answers["Owners"][number];

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

function watched(component: ComponentStatus, health: Health): ComponentStatus {
  const { component: name } = component;
  const lastSyncMs = health.componentsSyncedMs.get(name) ?? health.lastSuccessMs;
  return {
    ...component,
    invalid: health.invalid.filter(({ path }) => componentOfPath(path) === name).length,
    heldBack: health.heldBack.find((held) => held.component === name)?.deletes ?? 0,
    ...(lastSyncMs !== undefined && { lastSyncMs }),
  };
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1;
}

function byGvr(a: { gvr: string }, b: { gvr: string }): number {
  return a.gvr < b.gvr ? -1 : a.gvr > b.gvr ? 1 : 0;
}
