import { opBytes, txnBytes, txnLevels } from "../etcd/mod.ts";
import type { KeyRow, Owner } from "../keycache/mod.ts";
import type { Slices } from "../slices.ts";
import { SingleTxnError } from "./errors.ts";
import { FirstFit } from "./first_fit.ts";

/** A put or a delete that was decided on. */
export interface PlannedOp {
  /** What is to be done. */
  readonly action: "put" | "delete";
  /** The object key. */
  readonly key: string;
  /** Mod revision that the key must have, decimal; "0": it must not exist. */
  readonly guardMod: string;
  /** The owner whose file is put; for a delete, one that let go, if it is known. */
  readonly owner: Owner | undefined;
  /** Whose doing it is, as `component/gvr`; empty if nobody's. */
  readonly group: string;
  /** The key's row as it is. */
  readonly before: KeyRow | undefined;
  /** The key's row once it is done; null: none. */
  readonly after: KeyRow | null;
  /** Size of the value as the file had it; 0 for a delete. */
  readonly valueBytes: number;
}

/** What one Txn may hold, by etcd's limits and the operator's. */
export interface OneTxn {
  /** etcd's `--max-txn-ops`. */
  readonly maxTxnOps: number;
  /** What an encoded TxnRequest may have, in bytes, as `txnBudget` tells. */
  readonly requestBytes: number;
}

/** What one Txn may hold. */
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

/** Batches in the order in which they are to be committed, one Txn each. */
export interface Packing {
  /** Each one's operations. */
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
 * @param slices cut the work; there may be 100,000 operations
 * @returns the Txns
 * @throws {SingleTxnError} if one of the groups would have to be split
 */
export async function pack(
  ops: readonly PlannedOp[],
  limits: TxnLimits,
  whole: SingleTxnGroups,
  slices: Slices,
): Promise<Packing> {
  const groups = new Map<string, Bin>();
  const tooLarge: PlannedOp[] = [];
  for (const op of ops) {
    if (slices.isOver()) await slices.pause();
    const sized = { op, bytes: opBytes(op, op.valueBytes) };
    if (roomLeft(limits, EMPTY) < sized.bytes) {
      tooLarge.push(op);
      continue;
    }
    const group = groups.get(op.group) ?? { ops: [], bytes: 0 };
    put(group, sized);
    groups.set(op.group, group);
  }
  const batches: Bin[] = [];
  let staged = false;
  let open: Bin = { ops: [], bytes: 0 };
  for (const [name, group] of [...groups].sort(byName)) {
    if (fits(limits, open.bytes + group.bytes, open.ops.length + group.ops.length)) {
      for (const sized of group.ops) put(open, sized);
      continue;
    }
    if (open.ops.length > 0) batches.push(open);
    open = { ops: [], bytes: 0 };
    if (fits(limits, group.bytes, group.ops.length)) {
      open = group;
      continue;
    }
    if (whole === true || whole === name) {
      const levels = txnLevels(limits.maxTxnOps, group.ops.length);
      throw new SingleTxnError(name, levels ? "--etcd-max-request-bytes" : "--etcd-max-txn-ops");
    }
    staged = true;
    for (const action of ["put", "delete"] as const) {
      const part = group.ops.filter(({ op }) => op.action === action);
      for (const batch of await split(part, limits, slices)) batches.push(batch);
    }
  }
  if (open.ops.length > 0) batches.push(open);
  return { batches: batches.map((bin) => bin.ops.map(({ op }) => op)), staged, tooLarge };
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

/** An operation and what it adds to a Txn. */
interface SizedOp {
  readonly op: PlannedOp;
  readonly bytes: number;
}

/** Operations that share a Txn. */
interface Bin {
  readonly ops: SizedOp[];
  /** The sum of theirs. */
  bytes: number;
}

const EMPTY: Bin = { ops: [], bytes: 0 };

function put(bin: Bin, sized: SizedOp): void {
  bin.ops.push(sized);
  bin.bytes += sized.bytes;
}

/** First-fit decreasing: close to the fewest bins there can be. */
async function split(
  ops: readonly SizedOp[],
  limits: TxnLimits,
  slices: Slices,
): Promise<Bin[]> {
  const bins: Bin[] = [];
  const rooms = new FirstFit(ops.length);
  for (const sized of ops.toSorted((a, b) => b.bytes - a.bytes)) {
    if (slices.isOver()) await slices.pause();
    const at = rooms.find(sized.bytes);
    const bin = bins[at] ?? (bins[at] = { ops: [], bytes: 0 });
    put(bin, sized);
    rooms.set(at, roomLeft(limits, bin));
  }
  return bins;
}

/** Bytes that one more operation of a bin's may have; below 0 if it holds no more. */
function roomLeft(limits: TxnLimits, { bytes, ops: { length } }: Bin): number {
  const count = length + 1;
  if (txnLevels(limits.maxTxnOps, count) === undefined) return -1;
  return mostBytes(limits, count) - sizeOf(limits, bytes, count);
}

function fits(limits: TxnLimits, bytes: number, count: number): boolean {
  return txnLevels(limits.maxTxnOps, count) !== undefined &&
    sizeOf(limits, bytes, count) <= mostBytes(limits, count);
}

function mostBytes({ requestBytes, aimBytes = requestBytes }: TxnLimits, count: number): number {
  return count === 1 ? requestBytes : Math.min(requestBytes, aimBytes);
}

function sizeOf({ fenceKey, maxTxnOps }: TxnLimits, bytes: number, count: number): number {
  const fence = { key: fenceKey, expected: FENCE_VALUE, next: FENCE_VALUE };
  return txnBytes(fence, bytes, count, maxTxnOps);
}

function byName(a: [string, unknown], b: [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
