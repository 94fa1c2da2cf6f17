import { EtcdError, type Exposure } from "../etcd/mod.ts";
import type { Clock } from "../clock.ts";
import {
  type ConflictPolicy,
  lookAtFence,
  OtherClusterError,
  type StoreContext,
} from "../store/mod.ts";
import type { ComponentKeyCache, DaemonMark, HeldBack } from "../keycache/mod.ts";
import { cacheFacts } from "./cache_facts.ts";
import type { Facts } from "./conditions/mod.ts";
import { etcdStateAfter } from "./health.ts";
import { lastFailureOf } from "./last_failure.ts";
import { recalled } from "./remembered.ts";
import { rootFacts } from "./root_facts.ts";
import type { ReconcileOptions } from "../reconcile/mod.ts";
import { type NodeFacts, type NodeStatus, type Setup, statusOf } from "./status.ts";

/** What is known of a node at rest without looking. */
export interface Resting {
  readonly clock: Clock;
  /** What counts as a conflict. */
  readonly policy: ConflictPolicy;
  readonly setup: Setup;
  /** The installed service that should run, if there is one. */
  readonly idleService: string | undefined;
  /** What a daemon left behind that nobody stopped, if one did. */
  readonly lostDaemon: DaemonMark | undefined;
  /** Why the state directory can't be written to; undefined if it can. */
  readonly stateFailure: string | undefined;
  /** The fs cache. */
  readonly source: ReconcileOptions["source"];
  /** Who else could have what etcd knows us by. */
  readonly exposures: readonly Exposure[];
}

/**
 * How a node is doing on which no daemon runs: what its cache holds, and what the fence in etcd
 * says to that. The keys in etcd are not looked at, nor any file of the fs cache, but its root is.
 *
 * @param context both sides
 * @param resting what else is known
 */
export async function restingStatus(
  context: StoreContext,
  { clock, policy, setup, source, ...known }: Resting,
): Promise<NodeStatus> {
  const { cache } = context;
  const startMs = clock.monotonicMs();
  const seen = await lookAt(context);
  const latencyMs = seen.failure ? undefined : clock.monotonicMs() - startMs;
  const past = recalled(cache);
  const { rootFailure, gone } = past.retired ? { gone: [] } : rootFacts(cache, source);
  const lastFailure = lastFailureOf(past.lastFailure, { ...seen, rootFailure }, clock.nowMs());
  const { idleService, lostDaemon, stateFailure, exposures } = known;
  const facts: NodeFacts = {
    namedStateDir: setup.namedStateDir,
    remainsOf: setup.remainsOf,
    idleService,
    lostDaemon,
    stateFailure,
    rootFailure,
    exposures,
    ...past,
    ...heldBackOf(past.heldBack, gone),
    lastFailure,
    ...cacheFacts(cache, policy),
    ...seen,
    ...(seen.fence?.kind === "in-step" && { unverifiedKeys: unverifiedKeys(cache, past) }),
  };
  return statusOf(cache, { facts, setup, latencyMs });
}

/** What the last pass held back, and what is by now. */
function heldBackOf(
  past: readonly HeldBack[] | undefined,
  gone: readonly HeldBack[],
): Pick<Facts, "heldBack"> {
  const told = new Set(past?.map(({ component }) => component));
  const more = gone.filter(({ component }) => !told.has(component));
  return past || more.length > 0 ? { heldBack: [...past ?? [], ...more] } : {};
}

/**
 * How many keys were not looked at since they may be missing in etcd. A run that was filling it may
 * have been killed: then its fence is in step again, and not all keys are there.
 */
function unverifiedKeys(
  { rows }: ComponentKeyCache,
  { notPut = [] }: Pick<Facts, "notPut">,
): number {
  const named = new Set(notPut.map(({ key }) => key));
  let count = 0;
  for (const { key, ours, mod, owners } of rows.values()) {
    if (ours && mod === null && owners.length > 0 && !named.has(key)) count++;
  }
  return count;
}

/** What etcd says. */
async function lookAt(
  context: StoreContext,
): Promise<Pick<NodeFacts, "etcd" | "revision" | "clusterId" | "failure" | "fence">> {
  const { fenceKey: key } = context.cache.identity;
  try {
    const { kind, what, revision, clusterId } = await lookAtFence(context);
    const fence = kind && { kind, key, ...(what !== undefined && { what }) };
    return { etcd: "reachable", revision, clusterId, ...(fence && { fence }) };
  } catch (error) {
    if (!(error instanceof EtcdError || error instanceof OtherClusterError)) throw error;
    const { code, message } = error;
    const state = error instanceof EtcdError ? etcdStateAfter(error) : "reachable";
    return { etcd: state, revision: "", clusterId: "", failure: { code, message } };
  }
}
