import { opBytes } from "../etcd/mod.ts";
import type { KeyRow, Owner } from "../keycache/mod.ts";
import type { Slices } from "../slices.ts";
import { SingleTxnError } from "./errors.ts";
import { FirstFit } from "./first_fit.ts";
import { limitBroken, roomLeft, type TxnLimits, type TxnLoad } from "./txn_limits.ts";

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
  const most = roomLeft(limits, { count: 0, bytes: 0 });
  for (const op of ops) {
    if (slices.isOver()) await slices.pause();
    const sized = { op, bytes: opBytes(op, op.valueBytes) };
    if (most < sized.bytes) {
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
    if (!limitBroken(limits, loadOf(open, group))) {
      for (const sized of group.ops) put(open, sized);
      continue;
    }
    if (open.ops.length > 0) batches.push(open);
    open = { ops: [], bytes: 0 };
    const limit = limitBroken(limits, loadOf(group));
    if (!limit) {
      open = group;
      continue;
    }
    if (whole === true || whole === name) throw new SingleTxnError(name, limit);
    staged = true;
    for (const action of ["put", "delete"] as const) {
      const part = group.ops.filter(({ op }) => op.action === action);
      for (const batch of await split(part, limits, slices)) batches.push(batch);
    }
  }
  if (open.ops.length > 0) batches.push(open);
  return { batches: batches.map((bin) => bin.ops.map(({ op }) => op)), staged, tooLarge };
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

function loadOf(...bins: readonly Bin[]): TxnLoad {
  return {
    count: bins.reduce((sum, { ops }) => sum + ops.length, 0),
    bytes: bins.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

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
    rooms.set(at, roomLeft(limits, loadOf(bin)));
  }
  return bins;
}

function byName(a: [string, unknown], b: [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
