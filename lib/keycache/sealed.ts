import { crc32 } from "node:zlib";
import { KeyCacheError } from "./errors.ts";
import type { KvKey } from "./kv_store.ts";

const CHECKSUM_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Writes a JSON value as one database record with a checksum over its key and content: SQLite
 * itself notices damaged pages, but not a flipped bit inside a value.
 *
 * @param key the record's key
 * @param value anything that JSON can hold
 * @returns 4 bytes of CRC-32, then the JSON as UTF-8
 */
export function seal(key: KvKey, value: unknown): Uint8Array {
  const json = encoder.encode(JSON.stringify(value));
  const sealed = new Uint8Array(CHECKSUM_BYTES + json.length);
  new DataView(sealed.buffer).setUint32(0, checksum(key, json));
  sealed.set(json, CHECKSUM_BYTES);
  return sealed;
}

/**
 * Reads what {@linkcode seal} wrote.
 *
 * @param key the record's key
 * @param sealed the record
 * @returns the JSON value, of unknown shape
 * @throws {KeyCacheError} `damaged` if the checksum does not match
 */
export function unseal(key: KvKey, sealed: Uint8Array): unknown {
  if (sealed.length > CHECKSUM_BYTES) {
    const json = sealed.subarray(CHECKSUM_BYTES);
    const stored = new DataView(sealed.buffer, sealed.byteOffset).getUint32(0);
    if (stored === checksum(key, json)) return JSON.parse(decoder.decode(json));
  }
  throw new KeyCacheError(
    "damaged",
    `record ${key.join(" ")} of the component-key cache is damaged`,
  );
}

function checksum(key: KvKey, json: Uint8Array): number {
  return crc32(json, crc32(key.join("\0")));
}
