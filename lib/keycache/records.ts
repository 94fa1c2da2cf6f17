import { type DeleteWindow, encodeWindow } from "./delete_window.ts";
import { KeyCacheError } from "./errors.ts";
import { encodeRow, isCount, type KeyRow, type Tombstone } from "./key_row.ts";
import type { KvKey, KvMutation } from "./kv_store.ts";
import { seal } from "./sealed.ts";

/** Whose cache it is. */
export const IDENTITY: KvKey = ["head", "identity"];
/** Where the fence stands. */
export const STATE: KvKey = ["head", "state"];
/** Makes the chunks of an intent count. */
export const INTENT_HEADER: KvKey = ["intent", "header"];
const rowKey = (key: string): KvKey => ["row", key];
const tombstoneKey = (key: string): KvKey => ["tombstone", key];
const windowKey = (component: string): KvKey => ["window", component];
/** A part of the pending intent. */
export const chunkKey = (
  index: number,
): KvKey => ["intent", "chunk", String(index).padStart(6, "0")];

/**
 * What a change writes, each record made when its turn comes.
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
  tombstones: readonly Tombstone[],
  windows: ReadonlyMap<string, DeleteWindow>,
  epoch: number,
): Generator<KvMutation> {
  for (const [key, row] of rows) {
    const at = rowKey(key);
    yield row ? { set: at, value: seal(at, encodeRow(row, epoch)) } : { delete: at };
  }
  for (const key of forgotten) yield { delete: tombstoneKey(key) };
  for (const tombstone of tombstones) {
    const at = tombstoneKey(tombstone.key);
    yield { set: at, value: seal(at, tombstone) };
  }
  for (const [component, window] of windows) {
    const at = windowKey(component);
    yield { set: at, value: seal(at, encodeWindow(window)) };
  }
}

/**
 * Reads a stored tombstone.
 *
 * @param of the object key that it is stored under
 * @param value the stored record
 * @throws {KeyCacheError} `damaged` if its shape is wrong
 */
export function decodeTombstone(of: string, value: unknown): Tombstone {
  if (typeof value === "object" && value !== null) {
    const { key, uid, resourceVersion, seq, atMs } = value as Record<string, unknown>;
    if (
      key === of && typeof uid === "string" && typeof resourceVersion === "string" &&
      isCount(seq) && typeof atMs === "number"
    ) return { key: of, uid, resourceVersion, seq, atMs };
  }
  throw new KeyCacheError("damaged", "a tombstone in the component-key cache is damaged");
}
