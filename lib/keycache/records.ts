import { type DeleteWindow, encodeWindow } from "./delete_window.ts";
import type { IntentHeader } from "./intent.ts";
import { encodeRow, type KeyRow } from "./key_row.ts";
import type { KvKey, KvMutation } from "./kv_store.ts";
import { seal } from "./sealed.ts";
import { encodeTombstone, type Tombstone } from "./tombstone.ts";

/** Whose cache it is. */
export const IDENTITY: KvKey = ["head", "identity"];
/** Where the fence stands. */
export const STATE: KvKey = ["head", "state"];
/** What the last pass came to; it may be lost. */
export const PAST: KvKey = ["past", "pass"];
/** Makes the chunks of an intent count. */
export const INTENT_HEADER: KvKey = ["intent", "header"];
const rowKey = (key: string): KvKey => ["row", key];
const tombstoneKey = (key: string): KvKey => ["tombstone", key];
const windowKey = (component: string): KvKey => ["window", component];
/** A component that held keys, and may hold none any more. */
export const componentKey = (component: string): KvKey => ["component", component];
/** A part of the pending intent. */
export const chunkKey = (
  index: number,
): KvKey => ["intent", "chunk", String(index).padStart(6, "0")];

/**
 * What takes an intent away.
 *
 * @param header the pending one's; undefined if none is
 */
export function intentRemoval(header: Pick<IntentHeader, "chunks"> | undefined): KvMutation[] {
  if (!header) return [];
  const chunks = Array.from({ length: header.chunks }, (_, index) => ({ delete: chunkKey(index) }));
  return [...chunks, { delete: INTENT_HEADER }];
}

/**
 * What a change writes, each record made when its turn comes. What a row no longer says is in a
 * tombstone before the row goes, and a tombstone goes only after the row says it: a change may tear.
 *
 * @param rows by object key; null removes one
 * @param forgotten keys whose tombstones go
 * @param tombstones new ones
 * @param windows delete windows by component
 * @param epoch for how long the rows' mods are known
 */
export function* mutationsOf(
  rows: ReadonlyMap<string, KeyRow | null>,
  forgotten: readonly string[],
  tombstones: Iterable<Tombstone>,
  windows: ReadonlyMap<string, DeleteWindow>,
  epoch: number,
): Generator<KvMutation> {
  for (const tombstone of tombstones) {
    const at = tombstoneKey(tombstone.key);
    yield { set: at, value: seal(at, encodeTombstone(tombstone)) };
  }
  for (const [key, row] of rows) {
    const at = rowKey(key);
    yield row ? { set: at, value: seal(at, encodeRow(row, epoch)) } : { delete: at };
  }
  for (const key of forgotten) yield { delete: tombstoneKey(key) };
  for (const [component, window] of windows) {
    const at = windowKey(component);
    yield { set: at, value: seal(at, encodeWindow(window)) };
  }
}
