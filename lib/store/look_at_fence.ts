import type { Etcd } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { type FenceVerdict, judgeFence } from "./fence_verdict.ts";
import { observe } from "./observe.ts";

/** What one look at the fence in etcd says. */
export interface FenceSight {
  /** undefined: the cache changed while etcd was asked, so that nothing can be told. */
  readonly kind: FenceVerdict["kind"] | undefined;
  /** etcd's revision, decimal. */
  readonly revision: string;
  /** etcd's cluster id, decimal. */
  readonly clusterId: string;
}

/**
 * Reads the fence, which is one small range, and judges it. It may be called while somebody else
 * writes to both sides.
 *
 * @param etcd where
 * @param cache whose fence
 * @returns what it says
 * @throws {EtcdError} if etcd fails
 */
export async function lookAtFence(etcd: Etcd, cache: ComponentKeyCache): Promise<FenceSight> {
  const { fence: state, intent } = cache;
  const { fence, revision, clusterId } = await observe(etcd, cache.identity, []);
  const isSame = cache.fence === state && cache.intent === intent;
  const kind = isSame
    ? judgeFence(fence, cache.identity.life, state, intent?.header).kind
    : undefined;
  return { kind, revision, clusterId };
}
