import type { Clock } from "../clock.ts";
import type { Etcd } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { OneTxn, TxnLimits } from "./pack.ts";

/** What every store operation works with: both sides, etcd's limits, and the outside world. */
export interface StoreContext extends OneTxn {
  /** The pool's etcd. */
  readonly etcd: Etcd;
  /** What this node has put there, and for whom. */
  readonly cache: ComponentKeyCache;
  /** The cluster (decimal) that is known to be the one that the cache is about, if it is known. */
  readonly clusterId?: string | undefined;
  /** Makes 128 random bits as hexadecimal text. */
  readonly random: () => string;
  /** Time, to wait and to work in slices. */
  readonly clock: Pick<Clock, "monotonicMs" | "sleep" | "pause">;
}

/**
 * What one Txn of a node may hold.
 *
 * @param context both sides
 */
export function txnLimits(context: OneTxn & Pick<StoreContext, "cache">): TxnLimits {
  return { ...context, fenceKey: context.cache.identity.fenceKey };
}
