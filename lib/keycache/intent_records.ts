import { crc32 } from "node:zlib";
import type { DeleteWindow } from "./delete_window.ts";
import { KeyCacheError } from "./errors.ts";
import {
  decodeEntry,
  decodeHeader,
  decodeIntentWindow,
  encodeEntry,
  encodeIntentWindow,
  type Intent,
  type IntentEntry,
  type IntentHeader,
} from "./intent.ts";
import { packChunks, unpackChunk } from "./intent_chunks.ts";
import type { KvKey } from "./kv_store.ts";
import { INTENT_HEADER } from "./records.ts";
import { unseal } from "./sealed.ts";

/** A stored record of an intent. */
export interface IntentRecord {
  readonly key: KvKey;
  readonly value: Uint8Array;
}

/**
 * Packs the body of an intent for storage.
 *
 * @param entries what it does, key by key
 * @param windows delete windows that change if it is applied
 * @param epoch for how long the rows' mods are known
 * @param maxBytes of one record
 * @returns the chunks in order, and what its header says of them
 * @throws {KeyCacheError} `io` if one entry alone is larger than a record
 */
export function packIntent(
  entries: readonly IntentEntry[],
  windows: ReadonlyMap<string, DeleteWindow>,
  epoch: number,
  maxBytes: number,
): { chunks: Uint8Array[]; sums: Pick<IntentHeader, "entries" | "chunks" | "digest"> } {
  const noted = [...windows].map(([component, window]) => encodeIntentWindow(component, window));
  const packed = [...noted, ...entries.map((entry) => encodeEntry(entry, epoch))];
  const chunks = packChunks(packed, maxBytes);
  return {
    chunks,
    sums: { entries: entries.length, chunks: chunks.length, digest: digestOf(chunks) },
  };
}

/**
 * Reads the records of an intent.
 *
 * @param records all there are, chunks in order
 * @param epoch the one that the cache is in
 * @returns the intent; undefined if its header was never written, so that its Txn was never sent
 * @throws {KeyCacheError} `damaged` if it is not what was written
 */
export function unpackIntent(records: readonly IntentRecord[], epoch: number): Intent | undefined {
  const isHeader = ({ key }: IntentRecord) => key[1] === INTENT_HEADER[1];
  const found = records.find(isHeader);
  if (!found) return undefined;
  const header = decodeHeader(unseal(found.key, found.value));
  const chunks = records.filter((record) => !isHeader(record)).map(({ value }) => value);
  const windows = new Map<string, DeleteWindow>();
  const entries: IntentEntry[] = [];
  for (const item of chunks.flatMap(unpackChunk)) {
    const noted = decodeIntentWindow(item);
    if (noted) windows.set(...noted);
    else entries.push(decodeEntry(item, epoch));
  }
  const whole = chunks.length === header.chunks && digestOf(chunks) === header.digest &&
    entries.length === header.entries;
  if (whole) return { header, entries, windows };
  throw new KeyCacheError("damaged", "the pending intent in the component-key cache is damaged");
}

function digestOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((digest, chunk) => crc32(chunk, digest), 0);
}
