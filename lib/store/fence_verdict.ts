import type { FenceState, IntentHeader } from "../keycache/mod.ts";

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
  | { readonly kind: "rolled-back"; readonly seq: number }
  | { readonly kind: "other-life" };

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
  const parts = /^([^/]+)\/([0-9]{1,15})\/[^/]+$/.exec(found);
  if (!parts || parts[1] !== life) return { kind: "other-life" };
  const seq = Number(parts[2]);
  return seq < state.seq ? { kind: "reset", seq } : { kind: "rolled-back", seq };
}
