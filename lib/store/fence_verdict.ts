import type { FenceHolder, FenceState, IntentHeader } from "../keycache/mod.ts";

/**
 * What the fence in etcd says about this cache.
 *
 * - `in-step`: it holds what is expected, and nothing is pending
 * - `applied`: the pending Txn was applied
 * - `not-applied`: the pending Txn was not applied, but still could be
 * - `fenced-off`: the pending Txn was not applied and no longer can be
 * - `reset`: etcd came back empty, or from a state before our latest Txn
 * - `rolled-back`: it holds a value of this life that was never written down: the cache is older
 *   than etcd
 * - `other-life`: another state directory wrote it
 */
export type FenceVerdict =
  | { readonly kind: "in-step" | "applied" | "not-applied" | "fenced-off" }
  | {
    readonly kind: "reset";
    /** Sequence number of the fence that was found; undefined if there was none. */
    readonly seq: number | undefined;
  }
  | LostFence;

/** It is not this cache's, or not any more. */
export interface LostFence {
  /** What it says, as above. */
  readonly kind: "rolled-back" | "other-life";
  /** Who wrote it; undefined if it is no fence of any edgekeyd. */
  readonly holder: FenceHolder | undefined;
}

/**
 * Judges the fence; this is the table of the commit protocol.
 *
 * @param found the fence's value in etcd, null if it does not exist
 * @param life this cache's life
 * @param state where this cache expects the fence
 * @param intent the pending intent's header, if there is one
 */
export function judgeFence(
  found: string | null,
  life: string,
  state: FenceState,
  intent: IntentHeader | undefined,
): FenceVerdict {
  if (found === state.expected) return { kind: intent ? "not-applied" : "in-step" };
  if (intent && found === intent.next) return { kind: "applied" };
  if (intent && found === intent.bump) return { kind: "fenced-off" };
  if (found === null) return { kind: "reset", seq: undefined };
  const holder = holderOf(found);
  if (holder?.life !== life) return { kind: "other-life", holder };
  const { seq } = holder;
  return seq < state.seq ? { kind: "reset", seq } : { kind: "rolled-back", holder };
}

/**
 * Whether a lost fence may be taken over by who is told to adopt. A life does so once: if the fence
 * is lost again, another agent is at work, and the two would take it from each other for ever. What
 * an older etcd holds of the one that it was taken from is no sign of that.
 *
 * @param verdict what the fence says
 * @param state where this cache expects it
 */
export function mayTakeOver({ holder }: LostFence, { tookOver }: FenceState): boolean {
  if (tookOver === undefined) return true;
  return holder !== undefined && holder.life === tookOver.life && holder.seq <= tookOver.seq;
}

/**
 * Reads who wrote a fence.
 *
 * @param fence its value
 * @returns undefined if it is no fence of any edgekeyd
 */
export function holderOf(fence: string): FenceHolder | undefined {
  const [, life, seq] = /^([^/]+)\/([0-9]{1,15})\/[^/]+$/.exec(fence) ?? [];
  return life === undefined ? undefined : { life, seq: Number(seq) };
}
