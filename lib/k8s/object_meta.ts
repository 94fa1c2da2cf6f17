import { InvalidObjectError } from "./invalid_object_error.ts";
import { isRecord, parseJsonObject } from "./json.ts";

/** What edgekeyd needs to know of a Kubernetes object; nothing else of it is kept in memory. */
export interface ObjectMeta {
  /** `v1`, or `<group>/<version>`. */
  readonly apiVersion: string;
  /** As in `Pod`. */
  readonly kind: string;
  /** `metadata.name`. */
  readonly name: string;
  /** Empty for a cluster-scoped object. */
  readonly namespace: string;
  /** Empty if the object has none. */
  readonly uid: string;
  /** `metadata.resourceVersion`: a decimal up to 2^63-1, too big for a number. Empty if it has none. */
  readonly resourceVersion: string;
}

/** Longer than any that Kubernetes makes; the cache keeps it for each owner, in records of 64 KiB. */
const UID = /^[ !#-[\]-~]{0,128}$/;
/** etcd's revisions, of which resourceVersions are made, are signed 64-bit numbers. */
const MAX_REVISION = 2n ** 63n - 1n;

/**
 * Reads the metadata of one JSON object, such as etcd may hold: of two keys of one name the last one
 * counts, and null is as good as none. What is to go into etcd is read by {@linkcode readObject}.
 *
 * @param bytes the whole file or value
 * @returns its metadata; `resourceVersion` may be empty, which is how an apiserver's own JSON looks
 * @throws {InvalidObjectError} if it is empty, not UTF-8, not JSON, not an object, or if a field
 * that is read has the wrong type or form
 */
export function parseObjectMeta(bytes: Uint8Array): ObjectMeta {
  if (bytes.length === 0) throw new InvalidObjectError("empty");
  return metaOf(parseJsonObject(bytes));
}

/**
 * Reads the metadata of an object that was parsed.
 *
 * @param value the object
 * @returns its metadata
 * @throws {InvalidObjectError} if a field that is read has the wrong type or form
 */
export function metaOf(value: Readonly<Record<string, unknown>>): ObjectMeta {
  const metadata = value.metadata;
  if (!isRecord(metadata)) throw new InvalidObjectError("has no metadata");
  const meta = {
    apiVersion: text(value, "apiVersion"),
    kind: text(value, "kind"),
    name: text(metadata, "name"),
    namespace: text(metadata, "namespace"),
    uid: text(metadata, "uid"),
    resourceVersion: text(metadata, "resourceVersion"),
  };
  if (meta.apiVersion === "" || meta.kind === "") {
    throw new InvalidObjectError("has no apiVersion or no kind");
  }
  if (meta.name === "") throw new InvalidObjectError("has no metadata.name");
  if (!UID.test(meta.uid)) {
    throw new InvalidObjectError("metadata.uid is not 1 to 128 plain ASCII characters");
  }
  if (meta.resourceVersion !== "" && !isResourceVersion(meta.resourceVersion)) {
    throw new InvalidObjectError("metadata.resourceVersion is not a decimal from 1 to 2^63-1");
  }
  return meta;
}

/**
 * Tells whether a text is a resourceVersion that can be ordered: a decimal from 1 to 2^63-1, without
 * leading zeros.
 *
 * @param text the candidate
 * @returns true if it is one
 */
export function isResourceVersion(text: string): boolean {
  return /^[1-9][0-9]{0,18}$/.test(text) && BigInt(text) <= MAX_REVISION;
}

function text(record: Readonly<Record<string, unknown>>, field: string): string {
  const value = record[field];
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw new InvalidObjectError(`${field} is not a string`);
  return value;
}

/**
 * Orders two resourceVersions, which are too big for numbers.
 *
 * @param a a decimal without leading zeros
 * @param b another
 * @returns negative if `a` is older, positive if it is newer, 0 if they are the same
 */
export function compareResourceVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
