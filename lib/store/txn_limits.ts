import { opBytes, txnBudget, txnBytes, txnLevels } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";

/** What one Txn may hold, by etcd's limits and the operator's. */
export interface OneTxn {
  /** etcd's `--max-txn-ops`. */
  readonly maxTxnOps: number;
  /** What an encoded TxnRequest may have, in bytes, as `txnBudget` tells. */
  readonly requestBytes: number;
}

/** etcd's own limits, where nobody says anything else; the flags' defaults are the same. */
export const USUAL_TXN: OneTxn = { maxTxnOps: 128, requestBytes: txnBudget(1_572_864) };

/** What one Txn of a node may hold. */
export interface TxnLimits extends OneTxn {
  /** The fence's key, which each Txn moves. */
  readonly fenceKey: string;
  /**
   * What a Txn of several operations keeps to, where the way to etcd is slow.
   *
   * @default {requestBytes}
   */
  readonly aimBytes?: number;
}

/** Operations that share a Txn. */
export interface TxnLoad {
  /** How many. */
  readonly count: number;
  /** The sum of what `opBytes` says of each. */
  readonly bytes: number;
}

/** The flag of a limit. */
export type TxnLimit = "--etcd-max-txn-ops" | "--etcd-max-request-bytes";

/** Whether operations may share a Txn, by each limit. */
const LIMITS: Readonly<Record<TxnLimit, (limits: TxnLimits, load: TxnLoad) => boolean>> = {
  "--etcd-max-txn-ops": (limits, { count }) => txnLevels(limits.maxTxnOps, count) !== undefined,
  "--etcd-max-request-bytes": (limits, load) => bytesLeft(limits, load) >= 0,
};

const NAMES = Object.keys(LIMITS) as TxnLimit[];

/** The longest mod revision there is. */
const LAST_MOD = "9223372036854775807";
/** Longest value that a fence gets: life, sequence number, 128 random bits in hexadecimal. */
const FENCE_VALUE = "f".repeat(96);

/** What is said of an object that is too large for a Txn of its own. */
export const FITS_NO_TXN = "does not fit one etcd request (--etcd-max-request-bytes)";

/**
 * What one Txn of a node may hold.
 *
 * @param context etcd's limits, and whose Txn it is
 */
export function txnLimits(
  context: OneTxn & { readonly cache: Pick<ComponentKeyCache, "identity"> },
): TxnLimits {
  return { ...context, fenceKey: context.cache.identity.fenceKey };
}

/**
 * Tells which limit keeps operations from sharing one Txn.
 *
 * @param limits of one Txn
 * @param load the operations
 * @returns the flag that would have to be raised; undefined if they fit
 */
export function limitBroken(limits: TxnLimits, load: TxnLoad): TxnLimit | undefined {
  return NAMES.find((name) => !LIMITS[name](limits, load));
}

/**
 * Bytes that one more operation of a Txn may have.
 *
 * @param limits of one Txn
 * @param load what is in it already
 * @returns below 0 if it holds no more
 */
export function roomLeft(limits: TxnLimits, { count, bytes }: TxnLoad): number {
  const more = { count: count + 1, bytes };
  return limitBroken(limits, more) ? -1 : bytesLeft(limits, more);
}

/**
 * Tells whether an object fits a Txn of its own, whatever guards it.
 *
 * @param key its key
 * @param valueBytes its size
 * @param limits of one Txn
 */
export function fitsOneTxn(key: string, valueBytes: number, limits: TxnLimits): boolean {
  const bytes = opBytes({ action: "put", key, guardMod: LAST_MOD }, valueBytes);
  return limitBroken(limits, { count: 1, bytes }) === undefined;
}

/** Bytes that a Txn of this load leaves of what it may have; below 0 if it has too many. */
function bytesLeft(limits: TxnLimits, { count, bytes }: TxnLoad): number {
  const { requestBytes, aimBytes = requestBytes, fenceKey: key, maxTxnOps } = limits;
  const most = count === 1 ? requestBytes : Math.min(requestBytes, aimBytes);
  const fence = { key, expected: FENCE_VALUE, next: FENCE_VALUE };
  return most - txnBytes(fence, bytes, count, maxTxnOps);
}
