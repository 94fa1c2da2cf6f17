import type { InvalidPath } from "../fscache/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { ReconcileOutcome } from "../reconcile/mod.ts";
import type { Answers } from "./schemas.ts";
import {
  conditionsOf,
  type Facts,
  reasonsOf,
  stateOf,
  type Surroundings,
} from "./conditions/mod.ts";
import { componentOfPath } from "./group_paths.ts";

/** How a node is doing. What only a daemon knows is absent where none runs. */
export type NodeStatus = Answers["Status"];

/** How a component is doing. It is in step if it was looked at and all that is counted is 0. */
export type ComponentStatus = NodeStatus["components"][number];

/** How a node was set up, as far as that is only shown. */
export interface Setup extends Surroundings {
  /** etcd's. */
  readonly endpoints: readonly string[];
  /** Where the component-key cache is kept, by its real path. */
  readonly stateDir: string;
  /** Flags, without their hyphens, as they are now. */
  readonly settings: Readonly<Record<string, string>>;
}

/** What was found out about a node beside what its component-key cache says. */
export interface Known {
  /** What it is judged by. */
  readonly facts: NodeFacts;
  /** How it was set up. */
  readonly setup: Setup;
  /** How fast etcd answers, if that was measured. */
  readonly latencyMs?: number | undefined;
  /** Groups that wait to be looked at, if a daemon knows. */
  readonly dirtyGroups?: number;
}

/** Facts about a node at which somebody looked. */
export type NodeFacts =
  & Facts
  & Required<Pick<Facts, "conflicts" | "etcd" | "revision" | "clusterId">>;

/**
 * Takes stock of a node, and judges it: the one place where that is done, whether or not a daemon
 * runs. What only a daemon knows is absent where none does.
 *
 * @param cache its component-key cache
 * @param known what else was found out
 */
export function statusOf(cache: ComponentKeyCache, known: Known): NodeStatus {
  const { facts, setup, latencyMs, dirtyGroups } = known;
  const { daemon = false, invalid, heldBack, secretsLeftOut = 0, halfRewritten = [], ...seen } =
    facts;
  return {
    daemon,
    ...judgementOf(facts),
    nodeName: cache.identity.nodeName,
    prefix: cache.identity.prefix,
    stateDir: setup.stateDir,
    ...(daemon && { settings: setup.settings }),
    etcd: {
      state: seen.etcd,
      endpoints: setup.endpoints,
      revision: seen.revision,
      clusterId: seen.clusterId,
      ...(latencyMs !== undefined && { latencyMs }),
    },
    keys: cache.rows.size,
    components: componentStatusesOf(cache, facts),
    ...(dirtyGroups !== undefined && {
      dirtyGroups: Number.isFinite(dirtyGroups) ? dirtyGroups : null,
    }),
    pendingKeys: cache.intent?.header.entries ?? 0,
    othersKeys: othersKeysIn(cache),
    conflicts: [...facts.conflicts].map(([key, reason]) => ({ key, reason })).sort(byKey),
    ...(invalid && { invalid: shownPaths(invalid) }),
    ...(heldBack && { heldBack }),
    ...(secretsLeftOut > 0 && { secretsLeftOut }),
    ...(halfRewritten.length > 0 && { halfRewritten }),
    ...(seen.watchFailure !== undefined && { watchFailure: seen.watchFailure }),
    ...(seen.lastSuccessMs !== undefined && { lastSuccessMs: seen.lastSuccessMs }),
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

/**
 * What a pass came to, as it is shown to who asked for it.
 *
 * @param outcome of the pass
 * @param surroundings of its node
 */
export function shownOutcome(
  { report, notes, busy, keysHeldBack, failure }: ReconcileOutcome,
  surroundings: Surroundings,
): Answers["Reconciled"] {
  const { conflicts, invalid, heldBack, notPut = [], busy: waiting = [] } = report;
  const reasons = new Map(conflicts.map(({ key, reason }) => [key, reason]));
  const found = { conflicts: reasons, invalid, heldBack, notPut, waiting };
  const conditions = conditionsOf({ ...surroundings, ...found });
  return {
    report: { ...report, invalid: shownPaths(invalid) },
    notes,
    busy,
    ...(keysHeldBack && { keysHeldBack }),
    ...(conditions.length > 0 && { conditions }),
    ...(failure && { failure: { code: failure.code, message: failure.message } }),
  };
}

/** What makes them invalid is told by the conditions. */
function shownPaths(invalid: readonly InvalidPath[]): NonNullable<NodeStatus["invalid"]> {
  return invalid.map(({ path, reason }) => ({ path, reason }));
}

/** Keys whose value in etcd this node did not write. */
function othersKeysIn(cache: ComponentKeyCache): number {
  let count = 0;
  for (const row of cache.rows.values()) if (!row.ours && row.mod !== null) count++;
  return count;
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

function componentStatusesOf(cache: ComponentKeyCache, facts: NodeFacts): ComponentStatus[] {
  const { invalid, heldBack, componentsSyncedMs, lastSuccessMs } = facts;
  const conflicts = new Map<string, number>();
  for (const key of facts.conflicts.keys()) {
    const owners = cache.rows.get(key)?.owners ?? [];
    for (const component of new Set(owners.map((owner) => owner.component))) {
      conflicts.set(component, (conflicts.get(component) ?? 0) + 1);
    }
  }
  return componentsOf(cache).map((summary) => {
    const { component: name } = summary;
    const lastSyncMs = componentsSyncedMs?.get(name) ?? lastSuccessMs;
    return {
      ...summary,
      conflicts: conflicts.get(name) ?? 0,
      ...(invalid && {
        invalid: invalid.filter(({ path }) => componentOfPath(path) === name).length,
      }),
      ...(heldBack && {
        heldBack: heldBack.find(({ component }) => component === name)?.deletes ?? 0,
      }),
      ...(lastSyncMs !== undefined && { lastSyncMs }),
    };
  });
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1;
}

function byGvr(a: { gvr: string }, b: { gvr: string }): number {
  return a.gvr < b.gvr ? -1 : a.gvr > b.gvr ? 1 : 0;
}
