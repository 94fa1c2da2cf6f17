import { KeyCacheError } from "./errors.ts";

const OPENING_BRACKET = "[".charCodeAt(0);
const CLOSING_BRACKET = "]".charCodeAt(0);
const COMMA = ",".charCodeAt(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Joins encoded entries into as few values as hold them, one JSON array each.
 *
 * @param entries anything that JSON can hold
 * @param maxBytes of one value
 * @throws {KeyCacheError} `io` if one entry alone is larger
 */
export function packChunks(entries: readonly unknown[], maxBytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(maxBytes);
  let length = 0;
  const close = () => {
    if (length === 0) return;
    buffer[length] = CLOSING_BRACKET;
    chunks.push(buffer.slice(0, length + 1));
    length = 0;
  };
  /** Appends to the open chunk, unless it does not fit. */
  const append = (json: string): boolean => {
    const free = buffer.subarray(length + 1, maxBytes - 1);
    const { read, written } = encoder.encodeInto(json, free);
    if (read < json.length) return false;
    buffer[length] = length === 0 ? OPENING_BRACKET : COMMA;
    length += 1 + written;
    return true;
  };
  for (const entry of entries) {
    const json = JSON.stringify(entry);
    if (append(json)) continue;
    close();
    if (!append(json)) throw new KeyCacheError("io", "an entry of the intent fits no record");
  }
  close();
  return chunks;
}

/**
 * Takes apart what {@linkcode packChunks} joined.
 *
 * @param chunk one value
 * @throws {KeyCacheError} `damaged` if it is none
 */
export function unpackChunk(chunk: Uint8Array): unknown[] {
  try {
    const entries: unknown = JSON.parse(decoder.decode(chunk));
    if (Array.isArray(entries)) return entries;
  } catch {
    // Falls through to the one error below.
  }
  throw new KeyCacheError("damaged", "the pending intent in the component-key cache is damaged");
}
