import type { Clock } from "../clock.ts";
import type { Etcd } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";

/** What every store operation works with: both sides, etcd's limits, and the outside world. */
export interface StoreContext {
  /** The pool's etcd. */
  readonly etcd: Etcd;
  /** What this node has put there, and for whom. */
  readonly cache: ComponentKeyCache;
  /** The cluster (decimal) that is known to be the one that the cache is about, if it is known. */
  readonly clusterId?: string | undefined;
  /** etcd's `--max-txn-ops`. */
  readonly maxTxnOps: number;
  /** What an encoded TxnRequest may have, in bytes, as `txnBudget` tells. */
  readonly requestBytes: number;
  /** Makes 128 random bits as hexadecimal text. */
  readonly random: () => string;
  /** Time, to wait and to work in slices. */
  readonly clock: Pick<Clock, "monotonicMs" | "sleep" | "pause">;
}
