import {
  cacheStatusOf,
  type Facts,
  healthAfterFailure,
  judgementOf,
  type NodeStatus,
  UNKNOWN_HEALTH,
} from "../agent/mod.ts";
import { EtcdError } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { judgeFence, observe, standingConflicts } from "../store/mod.ts";
import type { Options } from "./options.ts";
import { clock, connectEtcd } from "./session.ts";

/**
 * How a node is doing on which no daemon runs: what its cache holds, and what the fence in etcd
 * says to that. The keys in etcd are not looked at.
 *
 * @param options the flags
 * @param cache the component-key cache
 */
export async function restingStatus(
  options: Options,
  cache: ComponentKeyCache,
): Promise<NodeStatus> {
  const { conflictPolicy: policy, etcdServers: endpoints, stateDir } = options;
  const conflicts = standingConflicts(cache.rows, { policy, adopting: false });
  const found = cacheStatusOf(cache, conflicts);
  const { facts, ...seen } = await lookAtEtcd(options, cache);
  const { nodeName, pendingKeys } = found;
  return {
    daemon: false,
    ...judgementOf({ nodeName, conflicts, pendingKeys, ...facts }),
    ...found,
    stateDir,
    etcd: { endpoints, ...seen },
  };
}

/** What etcd says, and what follows for the node. */
type Seen = Omit<NodeStatus["etcd"], "endpoints"> & { readonly facts: Facts };

async function lookAtEtcd(options: Options, cache: ComponentKeyCache): Promise<Seen> {
  const { life, fenceKey: key } = cache.identity;
  const etcd = await connectEtcd(options);
  try {
    const startMs = clock.monotonicMs();
    const { revision, clusterId, fence } = await observe(etcd, cache.identity, []);
    const latencyMs = clock.monotonicMs() - startMs;
    const { kind } = judgeFence(fence, life, cache.fence, cache.intent?.header);
    return { state: "reachable", revision, clusterId, latencyMs, facts: { fence: { kind, key } } };
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    const facts = healthAfterFailure(UNKNOWN_HEALTH, error);
    return { state: facts.etcd, revision: "", clusterId: "", facts };
  } finally {
    etcd.close();
  }
}
