import type { Etcd } from "../../lib/etcd/mod.ts";
import type { CacheOptions, ComponentKeyCache } from "../../lib/keycache/mod.ts";
import { reconcile, type ReconcileOutcome } from "../../lib/reconcile/mod.ts";
import type { StoreContext } from "../../lib/store/mod.ts";
import type { Prng } from "../sim/prng.ts";
import { noWaiting } from "../support/no_waiting.ts";
import { PREFIX, type World } from "./_world.ts";

/** Whose cache all of these tests make. */
export const CACHE_OPTIONS: CacheOptions = {
  nodeName: "n1",
  prefix: PREFIX,
  newLife: () => "11111111111111111111111111111111",
  nowMs: () => 10_000_000,
};

const now = () => Promise.resolve();

/** What passes over a cache work with, in a world that nobody waits for. */
export function contextOf(etcd: Etcd, cache: ComponentKeyCache, prng: Prng): StoreContext {
  return {
    etcd,
    cache,
    maxTxnOps: 128,
    requestBytes: 1_500_000,
    random: () => prng.hex(),
    clock: noWaiting,
  };
}

/** A full pass over a world's cache, whose deletes are all confirmed. */
export async function pass(
  context: StoreContext,
  { fs }: World,
  settleMs = 0,
): Promise<ReconcileOutcome> {
  let nowMs = 100_000_000;
  return await reconcile(context, {
    source: { root: "/cache", fs, coverage: {}, settleMs, maxObjectBytes: 1 << 20 },
    clock: {
      nowMs: () => nowMs,
      steadyMs: () => nowMs,
      monotonicMs: () => nowMs++,
      sleep: now,
      pause: now,
    },
    policy: "fresher",
    maxDeletePercent: 100,
    confirmDeletes: true,
    requireSingleTxn: false,
    adopt: false,
  });
}
