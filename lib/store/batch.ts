import { opBytes, type TxnOp, type VacantSpan } from "../etcd/mod.ts";
import type { IntentEntry, KeyRow, Owner } from "../keycache/mod.ts";
import { ABSENT } from "./decide.ts";
import type { PlannedOp } from "./pack.ts";
import { isIn } from "./spans.ts";

/** An operation with what it puts. */
export interface ValuedOp extends PlannedOp {
  /** The object as its file has it; empty for a delete. */
  readonly value: Uint8Array;
}

/** Fetches the bytes of the version that an owner holds; undefined if it no longer holds it. */
export type BytesOf = (key: string, owner: Owner) => Uint8Array | undefined;

const NOTHING = new Uint8Array();

/**
 * Fetches what an operation puts: should the owner not have it any more, from another with the same
 * version; with other bytes of it only where etcd has nothing yet.
 *
 * @param op the operation
 * @param bytesOf fetches an owner's bytes
 * @returns the operation with its value; undefined if nobody has it any more
 */
export function withValue(op: PlannedOp, bytesOf: BytesOf): ValuedOp | undefined {
  if (op.action === "delete") return { ...op, value: NOTHING };
  const { key, owner, after, guardMod } = op;
  if (!after) return undefined;
  const same = after.owners.filter(({ uid, resourceVersion, hash }) =>
    uid === after.uid && resourceVersion === after.resourceVersion &&
    (hash === after.hash || guardMod === ABSENT)
  );
  for (const candidate of new Set([...owner ? [owner] : [], ...same])) {
    const value = bytesOf(key, candidate);
    if (!value) continue;
    const { hash: _, ...row } = after;
    const { hash } = candidate;
    return { ...op, value, after: { ...row, ...(hash !== undefined && { hash }) } };
  }
  return undefined;
}

/** What operations add to an encoded TxnRequest, in bytes. */
export function bytesOfOps(ops: readonly ValuedOp[]): number {
  return ops.reduce((sum, op) => sum + opBytes(op, op.value.length), 0);
}

/**
 * An operation as a Txn has it.
 *
 * @param op the operation
 * @param vacant spans whose guard covers the keys in them
 */
export function txnOp(
  { action, key, guardMod, value }: ValuedOp,
  vacant: readonly VacantSpan[],
): TxnOp {
  if (action === "delete") return { action, key, guardMod };
  return { action, key, value, guardMod: isIn(vacant, key) ? null : guardMod };
}

/** An operation as an intent has it. */
export function entryOf(op: PlannedOp): IntentEntry {
  const { action, key, guardMod, after, before } = op;
  const { uid, resourceVersion } = before?.ours ? before : { uid: "", resourceVersion: "" };
  return { action, key, guardMod, after, uid, resourceVersion };
}

/** A row that changes along with a Txn that does nothing about it, as an intent has it. */
export function keepEntry([key, after]: readonly [string, KeyRow | null]): IntentEntry {
  return { action: "keep", key, guardMod: ABSENT, after, uid: "", resourceVersion: "" };
}
