import type { Etcd } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";

/** What every store operation works with: both sides, etcd's limits, and the outside world. */
export interface StoreContext {
  readonly etcd: Etcd;
  readonly cache: ComponentKeyCache;
  /** etcd's `--max-txn-ops`. */
  readonly maxTxnOps: number;
  /** etcd's `--max-request-bytes`, less what it adds itself and the user name. */
  readonly requestBytes: number;
  /** Makes 128 random bits as hexadecimal text. */
  readonly random: () => string;
  readonly sleep: (ms: number) => Promise<void>;
}
