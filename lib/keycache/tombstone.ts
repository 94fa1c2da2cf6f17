import { compareResourceVersions } from "../k8s/mod.ts";
import { KeyCacheError } from "./errors.ts";
import { isCount, type KeyRow } from "./key_row.ts";

/** A version of an object that we put, or may have put. */
export interface PutVersion {
  /** The uid of the object; empty if it has none. */
  readonly uid: string;
  /** Its resourceVersion, decimal. */
  readonly resourceVersion: string;
}

/**
 * Versions that we put under a key, or may have put, and that etcd no longer holds, since they were
 * deleted, replaced or undone by a restore: an etcd that is restored to a state with one of them
 * holds a value of ours.
 */
export interface Tombstone {
  /** The object key. */
  readonly key: string;
  /** The latest to go first; of each uid the highest resourceVersion. Never empty. */
  readonly versions: readonly [PutVersion, ...PutVersion[]];
  /** No state of etcd whose fence has this sequence number, or a higher one, holds them. */
  readonly seq: number;
}

/** Uids that one name goes through while a tombstone lasts. */
const MAX_VERSIONS = 16;

/**
 * Tells whether a row knows a version as its own: then an etcd that holds it holds nothing unknown.
 *
 * @param row the row; null or undefined if there is none
 * @param version one that we put
 */
export function covers(
  row: KeyRow | null | undefined,
  { uid, resourceVersion }: PutVersion,
): boolean {
  return row?.ours === true && row.uid === uid &&
    compareResourceVersions(row.resourceVersion, resourceVersion) >= 0;
}

/**
 * Adds a version to what is buried under a key.
 *
 * @param tombstone what is buried there so far
 * @param version what goes now
 * @param at key and sequence number of the new tombstone
 */
export function bury(
  tombstone: Tombstone | undefined,
  { uid, resourceVersion }: PutVersion,
  at: Pick<Tombstone, "key" | "seq">,
): Tombstone {
  const { key, seq } = at;
  const buried = tombstone?.versions ?? [];
  const same = buried.find((version) => version.uid === uid)?.resourceVersion ?? "";
  const highest = compareResourceVersions(same, resourceVersion) > 0 ? same : resourceVersion;
  const others = buried.filter((version) => version.uid !== uid).slice(0, MAX_VERSIONS - 1);
  return { key, versions: [{ uid, resourceVersion: highest }, ...others], seq };
}

/** Packs a tombstone for storage. */
export function encodeTombstone({ key, versions, seq }: Tombstone): unknown {
  const [{ uid, resourceVersion }, ...more] = versions;
  const others = more.map((version) => [version.uid, version.resourceVersion]);
  return { key, uid, resourceVersion, seq, ...(others.length > 0 && { others }) };
}

/**
 * Reads what {@linkcode encodeTombstone} wrote.
 *
 * @param of the object key that it is stored under
 * @param value the stored record
 * @throws {KeyCacheError} `damaged` if its shape is wrong
 */
export function decodeTombstone(of: string, value: unknown): Tombstone {
  if (typeof value === "object" && value !== null) {
    const { key, uid, resourceVersion, seq, others = [] } = value as Record<string, unknown>;
    if (
      key === of && typeof uid === "string" && typeof resourceVersion === "string" &&
      isCount(seq) && Array.isArray(others)
    ) {
      const more = others.map((other) => decodeVersion(of, other));
      return { key: of, versions: [{ uid, resourceVersion }, ...more], seq };
    }
  }
  throw damaged(of);
}

function decodeVersion(of: string, value: unknown): PutVersion {
  if (Array.isArray(value) && value.length >= 2) {
    const [uid, resourceVersion]: unknown[] = value;
    if (typeof uid === "string" && typeof resourceVersion === "string") {
      return { uid, resourceVersion };
    }
  }
  throw damaged(of);
}

function damaged(key: string): KeyCacheError {
  return new KeyCacheError("damaged", `the cache's tombstone of ${key} is damaged`);
}
