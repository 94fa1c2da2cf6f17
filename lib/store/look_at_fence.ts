import { FenceError } from "./fence_error.ts";
import { type FenceVerdict, judgeFence } from "./fence_verdict.ts";
import { checkCluster, type ClusterQuestion } from "./home_cluster.ts";
import { readFence } from "./observe.ts";

/** What one look at the fence in etcd says. */
export interface FenceSight {
  /** undefined: the cache changed while etcd was asked, so that nothing can be told. */
  readonly kind: FenceVerdict["kind"] | undefined;
  /** Why it is not this cache's any more, with the lives of both; absent if it is. */
  readonly what?: string;
  /** etcd's revision, decimal. */
  readonly revision: string;
  /** etcd's cluster id, decimal. */
  readonly clusterId: string;
}

/**
 * Reads the fence, which is one small range, and judges it. It may be called while somebody else
 * writes to both sides.
 *
 * @param question where, whose fence, and which cluster it should be
 * @returns what it says
 * @throws {OtherClusterError} if it is another etcd than the one that the cache is about
 * @throws {EtcdError} if etcd fails
 */
export async function lookAtFence(question: ClusterQuestion): Promise<FenceSight> {
  const { etcd, cache } = question;
  const { fence: state, intent } = cache;
  const { fence, revision, clusterId } = await readFence(etcd, cache.identity.fenceKey);
  await checkCluster(question, { fence, clusterId });
  const isSame = cache.fence === state && cache.intent === intent;
  const { fenceKey, life } = cache.identity;
  const verdict = isSame ? judgeFence(fence, life, state, intent?.header) : undefined;
  const isLost = verdict?.kind === "other-life" || verdict?.kind === "rolled-back";
  const what = isLost && new FenceError(verdict.kind, fenceKey, { life, verdict, state }).what;
  return { kind: verdict?.kind, ...(what && { what }), revision, clusterId };
}
