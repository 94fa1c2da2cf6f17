import type { Clock } from "../clock.ts";
import type { Etcd } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { HomeCluster } from "./home_cluster.ts";
import type { OneTxn } from "./txn_limits.ts";

/** What every store operation works with: both sides, etcd's limits, and the outside world. */
export interface StoreContext extends OneTxn {
  /** The pool's etcd. */
  readonly etcd: Etcd;
  /** What this node has put there, and for whom. */
  readonly cache: ComponentKeyCache;
  /** The cluster that the cache is about, as far as it is known; undefined: whichever answers. */
  readonly home?: HomeCluster | undefined;
  /** Makes 128 random bits as hexadecimal text. */
  readonly random: () => string;
  /** Time, to wait and to work in slices. */
  readonly clock: Pick<Clock, "monotonicMs" | "sleep" | "pause">;
}
