import type { EtcdOptions } from "../etcd/mod.ts";
import type { ConflictPolicy } from "../store/mod.ts";

/** The fs cache that a store may bring etcd in step with. */
export interface CacheSettings {
  /** The directory whose subdirectories are the components. */
  readonly directory: string;
  /**
   * How long a file must be missing before its key is let go, in ms.
   *
   * @default 2000
   */
  readonly settleMs?: number;
  /**
   * Core Secrets are imported too.
   *
   * @default false
   */
  readonly includeSecrets?: boolean;
}

/** What a store is opened with. */
export interface StoreSettings {
  /** Where the component-key cache is kept; made if it is missing. No other process may hold it. */
  readonly stateDir: string;
  /** The pool's etcd. */
  readonly etcd: EtcdOptions;
  /** Names this node's fence in etcd; no two nodes of a pool may have one name. */
  readonly nodeName: string;
  /**
   * Prefix of all object keys.
   *
   * @default "/registry"
   */
  readonly etcdPrefix?: string;
  /** The fs cache, if this program imports one. */
  readonly cache?: CacheSettings;
  /**
   * What becomes of values that another importer wrote.
   *
   * @default "fresher"
   */
  readonly conflictPolicy?: ConflictPolicy;
  /**
   * etcd's `--max-txn-ops`.
   *
   * @default 128
   */
  readonly maxTxnOps?: number;
  /**
   * etcd's `--max-request-bytes`.
   *
   * @default 1572864
   */
  readonly maxRequestBytes?: number;
  /**
   * How long to wait for another process that holds the state directory, in ms.
   *
   * @default 0
   */
  readonly lockTimeoutMs?: number;
}

/** etcd's `--max-request-bytes`, as etcd has it by default: 1.5 MiB. */
export const MAX_REQUEST_BYTES = 1_572_864;
/** What kube-apiserver has as `--etcd-prefix` by default. */
export const ETCD_PREFIX = "/registry";
/** How long a file must be missing by default, in ms. */
export const SETTLE_MS = 2_000;
