import { type Etcd, EtcdError } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { Clock } from "../clock.ts";
import { type ConflictPolicy, lookAtFence } from "../store/mod.ts";
import { cacheFacts } from "./cache_facts.ts";
import { etcdStateAfter } from "./health.ts";
import { recalled } from "./remembered.ts";
import { type NodeFacts, type NodeStatus, type Setup, statusOf } from "./status.ts";

/** What is known of a node at rest without looking. */
export interface Resting {
  readonly clock: Clock;
  /** What counts as a conflict. */
  readonly policy: ConflictPolicy;
  readonly setup: Setup;
  /** The installed service that should run, if there is one. */
  readonly idleService: string | undefined;
}

/**
 * How a node is doing on which no daemon runs: what its cache holds, and what the fence in etcd
 * says to that. The keys in etcd are not looked at.
 *
 * @param cache the component-key cache
 * @param etcd its etcd
 * @param resting what else is known
 */
export async function restingStatus(
  cache: ComponentKeyCache,
  etcd: Etcd,
  { clock, policy, setup, idleService }: Resting,
): Promise<NodeStatus> {
  const startMs = clock.monotonicMs();
  const seen = await lookAt(etcd, cache);
  const latencyMs = seen.failure ? undefined : clock.monotonicMs() - startMs;
  const facts: NodeFacts = {
    idleService,
    ...recalled(cache),
    ...cacheFacts(cache, policy),
    ...seen,
  };
  return statusOf(cache, { facts, setup, latencyMs });
}

/** What etcd says. */
async function lookAt(
  etcd: Etcd,
  cache: ComponentKeyCache,
): Promise<Pick<NodeFacts, "etcd" | "revision" | "clusterId" | "failure" | "fence">> {
  const { fenceKey: key } = cache.identity;
  try {
    const { kind, revision, clusterId } = await lookAtFence(etcd, cache);
    return { etcd: "reachable", revision, clusterId, ...(kind && { fence: { kind, key } }) };
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    const { code, message } = error;
    const state = etcdStateAfter(error);
    return { etcd: state, revision: "", clusterId: "", failure: { code, message } };
  }
}
