import { crc32 } from "node:zlib";
import { KeyCacheError } from "./errors.ts";
import type { KvKey } from "./kv_store.ts";
import { HEAD_SCHEMA, SCHEMA_VERSION } from "./schema.ts";

const CHECKSUM_BYTES = 4;
/** No JSON begins with so low a byte. Records of schema 1 have none in front of their JSON. */
const MAX_SCHEMA_BYTE = 0x1f;
const FIRST_SCHEMA = 1;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Writes a JSON value as one database record with a checksum over its key and content: SQLite
 * itself notices damaged pages, but not a flipped bit inside a value.
 *
 * @param key the record's key
 * @param value anything that JSON can hold
 * @returns 4 bytes of CRC-32, one with the schema (not in the head's records), then the JSON as
 * UTF-8
 */
export function seal(key: KvKey, value: unknown): Uint8Array {
  const json = encoder.encode(JSON.stringify(value));
  const schema = schemaFor(key);
  const jsonAt = CHECKSUM_BYTES + (schema > FIRST_SCHEMA ? 1 : 0);
  const sealed = new Uint8Array(jsonAt + json.length);
  if (schema > FIRST_SCHEMA) sealed[CHECKSUM_BYTES] = schema;
  sealed.set(json, jsonAt);
  const content = sealed.subarray(CHECKSUM_BYTES);
  new DataView(sealed.buffer).setUint32(0, checksum(key, content));
  return sealed;
}

/**
 * Reads what {@linkcode seal} wrote, or that of an earlier schema.
 *
 * @param key the record's key
 * @param sealed the record
 * @returns the JSON value, of unknown shape
 * @throws {KeyCacheError} `damaged` if the checksum does not match
 */
export function unseal(key: KvKey, sealed: Uint8Array): unknown {
  if (sealed.length > CHECKSUM_BYTES) {
    const content = sealed.subarray(CHECKSUM_BYTES);
    const stored = new DataView(sealed.buffer, sealed.byteOffset).getUint32(0);
    if (stored === checksum(key, content)) {
      const json = (content[0] ?? 0) > MAX_SCHEMA_BYTE ? content : content.subarray(1);
      return JSON.parse(decoder.decode(json));
    }
  }
  throw new KeyCacheError(
    "damaged",
    `record ${key.join(" ")} of the component-key cache is damaged`,
  );
}

/**
 * Tells whether a record is of an earlier schema than it would be written in now.
 *
 * @param key the record's key
 * @param sealed the record
 * @returns true if it is
 */
export function isOutdated(key: KvKey, sealed: Uint8Array): boolean {
  const byte = sealed[CHECKSUM_BYTES] ?? 0;
  return (byte > MAX_SCHEMA_BYTE ? FIRST_SCHEMA : byte) < schemaFor(key);
}

function schemaFor([kind]: KvKey): number {
  return kind === "head" ? HEAD_SCHEMA : SCHEMA_VERSION;
}

function checksum(key: KvKey, content: Uint8Array): number {
  return crc32(content, crc32(key.join("\0")));
}
