import { opBytes, txnBytes, txnLevels } from "../etcd/mod.ts";
import type { KeyRow, Owner } from "../keycache/mod.ts";
import { SingleTxnError } from "./errors.ts";

/** A put or a delete that was decided on. */
export interface PlannedOp {
  readonly action: "put" | "delete";
  readonly key: string;
  readonly guardMod: string;
  /** The owner whose file is put; for a delete, one that let go, if it is known. */
  readonly owner: Owner | undefined;
  /** Whose doing it is, as `component/gvr`; empty if nobody's. */
  readonly group: string;
  readonly before: KeyRow | undefined;
  readonly after: KeyRow | null;
  /** Size of the value as the file had it; 0 for a delete. */
  readonly valueBytes: number;
}

/** What one Txn may hold. */
export interface TxnLimits {
  readonly fenceKey: string;
  readonly maxTxnOps: number;
  /** For the encoded TxnRequest. */
  readonly requestBytes: number;
  /**
   * What a Txn of several operations keeps to, where the way to etcd is slow.
   *
   * @default {requestBytes}
   */
  readonly aimBytes?: number;
}

/** Batches in the order in which they are to be committed, one Txn each. */
export interface Packing {
  readonly batches: readonly (readonly PlannedOp[])[];
  /** A group did not fit one Txn: its puts come first, then its deletes. */
  readonly staged: boolean;
  /** Puts that fit no Txn at all. */
  readonly tooLarge: readonly PlannedOp[];
}

/**
 * Groups that must not be split over several Txns: all, the one of this name (`component/gvr`), or
 * none.
 */
export type SingleTxnGroups = boolean | string;

/** The longest mod revision there is. */
const LAST_MOD = "9223372036854775807";
/** Longest value that a fence gets: life, sequence number, 128 random bits in hexadecimal. */
const FENCE_VALUE = "f".repeat(96);

/**
 * Packs operations into as few Txns as hold them. A resource group (component and gvr) stays in
 * one Txn if it fits one, and several share a Txn when they fit; a group that alone does not fit
 * is split, its puts before its deletes.
 *
 * @param ops each key once
 * @param limits of one Txn
 * @param whole groups that must not be split
 * @throws {SingleTxnError} if one of them would have to be
 */
export function pack(
  ops: readonly PlannedOp[],
  limits: TxnLimits,
  whole: SingleTxnGroups,
): Packing {
  const groups = new Map<string, PlannedOp[]>();
  const tooLarge: PlannedOp[] = [];
  for (const op of ops) {
    if (!fits(limits, sizeOf(op), 1)) {
      tooLarge.push(op);
      continue;
    }
    const members = groups.get(op.group);
    if (members) members.push(op);
    else groups.set(op.group, [op]);
  }
  const batches: PlannedOp[][] = [];
  let staged = false;
  let open = new Bin(limits);
  for (const [group, members] of [...groups].sort(byName)) {
    const bytes = members.reduce((sum, op) => sum + sizeOf(op), 0);
    if (open.take(members, bytes)) continue;
    if (open.ops.length > 0) batches.push(open.ops);
    open = new Bin(limits);
    if (open.take(members, bytes)) continue;
    if (whole === true || whole === group) {
      const levels = txnLevels(limits.maxTxnOps, members.length);
      throw new SingleTxnError(group, levels ? "--etcd-max-request-bytes" : "--etcd-max-txn-ops");
    }
    staged = true;
    batches.push(...split(members.filter((op) => op.action === "put"), limits));
    batches.push(...split(members.filter((op) => op.action === "delete"), limits));
  }
  if (open.ops.length > 0) batches.push(open.ops);
  return { batches, staged, tooLarge };
}

/**
 * Tells whether an object fits a Txn of its own, whatever guards it.
 *
 * @param key its key
 * @param valueBytes its size
 * @param limits of one Txn
 */
export function fitsOneTxn(key: string, valueBytes: number, limits: TxnLimits): boolean {
  return fits(limits, opBytes({ action: "put", key, guardMod: LAST_MOD }, valueBytes), 1);
}

class Bin {
  readonly ops: PlannedOp[] = [];
  readonly #limits: TxnLimits;
  #bytes = 0;

  constructor(limits: TxnLimits) {
    this.#limits = limits;
  }

  take(ops: readonly PlannedOp[], bytes: number): boolean {
    if (!fits(this.#limits, this.#bytes + bytes, this.ops.length + ops.length)) return false;
    this.#bytes += bytes;
    for (const op of ops) this.ops.push(op);
    return true;
  }
}

/** First-fit decreasing: close to the fewest bins there can be. */
function split(ops: readonly PlannedOp[], limits: TxnLimits): PlannedOp[][] {
  const bins: Bin[] = [];
  const sized = ops.map((op) => ({ op, bytes: sizeOf(op) })).sort((a, b) => b.bytes - a.bytes);
  for (const { op, bytes } of sized) {
    if (bins.some((bin) => bin.take([op], bytes))) continue;
    const bin = new Bin(limits);
    bin.take([op], bytes);
    bins.push(bin);
  }
  return bins.map((bin) => bin.ops);
}

function sizeOf(op: PlannedOp): number {
  return opBytes(op, op.valueBytes);
}

function fits(limits: TxnLimits, bytes: number, count: number): boolean {
  const { fenceKey, maxTxnOps, requestBytes, aimBytes = requestBytes } = limits;
  const fence = { key: fenceKey, expected: FENCE_VALUE, next: FENCE_VALUE };
  return txnLevels(maxTxnOps, count) !== undefined &&
    txnBytes(fence, bytes, count, maxTxnOps) <= (count === 1 ? requestBytes : aimBytes);
}

function byName(a: [string, unknown], b: [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
