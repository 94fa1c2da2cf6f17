import type { FileStamp } from "../fscache/mod.ts";
import { isContentHash } from "../k8s/mod.ts";
import { KeyCacheError } from "./errors.ts";

/**
 * Where an owner's object comes from: a file in the current layout (`pods.v1.core`), one in the
 * older layout (`pods`), or the store API, which leaves no file.
 */
export type OwnerSource = "current" | "older" | "api";

/** A (component, gvr) that holds an object key, with the version of the object that it holds. */
export interface Owner {
  /** Who asked for the object, as the directory in the fs cache is named. */
  readonly component: string;
  /** As in {@linkcode formatGvr}. */
  readonly gvr: string;
  /** Where the object comes from. */
  readonly source: OwnerSource;
  /** Its uid; empty if it has none. */
  readonly uid: string;
  /** Its resourceVersion, decimal. */
  readonly resourceVersion: string;
  /** Of its object's bytes, as `contentHash` makes it; absent: not known (from an earlier schema). */
  readonly hash?: string;
  /** State of the file when it was read; all zero for the API. */
  readonly stamp: FileStamp;
  /** When it was read, ms since the epoch. */
  readonly readAtMs: number;
}

/**
 * What the cache knows of one object key.
 *
 * - `ours` with a `mod`: etcd holds our value at that mod revision; it is ours to delete
 * - `ours` without: our value may be in etcd (a Txn in doubt, an etcd that was reset)
 * - not `ours` with a `mod`: etcd held another's value there when it was last judged
 * - not `ours` without: another's value stands there, to be judged anew
 */
export interface KeyRow {
  /** The object key. */
  readonly key: string;
  /** Whether the value in etcd is, or may be, one that this node put or took over. */
  readonly ours: boolean;
  /** Mod revision in etcd, decimal; null if it is not known. */
  readonly mod: string | null;
  /** uid of the version in etcd as last put, adopted or judged; empty if it has none. */
  readonly uid: string;
  /** resourceVersion of that version; empty if an apiserver wrote it. */
  readonly resourceVersion: string;
  /** Of that version's bytes, as `contentHash` makes it; absent: not known. */
  readonly hash?: string;
  /** It was taken over with --adopt, and no owner here has held it yet. */
  readonly adopted?: boolean;
  /** None: the key is to be deleted. */
  readonly owners: readonly Owner[];
}

/**
 * The row of a key whose value this node put, or may have put: at which mod revision is not known.
 *
 * @param key the object key
 * @param version which version that is
 * @param owners who holds the key
 */
export function ownRow(
  key: string,
  { uid, resourceVersion, hash }: Pick<KeyRow, "uid" | "resourceVersion" | "hash">,
  owners: readonly Owner[],
): KeyRow {
  const content = hash === undefined ? {} : { hash };
  return { key, ours: true, mod: null, uid, resourceVersion, ...content, owners };
}

/** Tells whether two owners are the same (component, gvr). */
export function sameOwner(
  a: Pick<Owner, "component" | "gvr">,
  b: Pick<Owner, "component" | "gvr">,
): boolean {
  return a.component === b.component && a.gvr === b.gvr;
}

const SOURCES: readonly OwnerSource[] = ["current", "older", "api"];

/**
 * Packs a row into the JSON array that is stored; `epoch` says how long its `mod` is valid.
 *
 * @param row the row
 * @param epoch the cache's current epoch
 */
export function encodeRow(row: KeyRow, epoch: number): unknown {
  return [
    row.ours ? 1 : 0,
    row.mod,
    epoch,
    row.uid,
    row.resourceVersion,
    row.owners.map((o) => [
      o.component,
      o.gvr,
      SOURCES.indexOf(o.source),
      o.uid,
      o.resourceVersion,
      o.stamp.size,
      o.stamp.mtimeMs,
      o.stamp.ctimeMs,
      o.stamp.ino,
      o.readAtMs,
      o.hash ?? null,
    ]),
    row.hash ?? null,
    row.adopted ? 1 : 0,
  ];
}

/**
 * Reads what {@linkcode encodeRow} wrote. A mod of an earlier epoch is no longer known.
 *
 * @param key the object key
 * @param value the stored array
 * @param epoch the cache's current epoch
 * @throws {KeyCacheError} `damaged` if its shape is wrong
 */
export function decodeRow(key: string, value: unknown, epoch: number): KeyRow {
  if (!Array.isArray(value) || value.length < 6) throw damaged(key);
  const [ours, mod, rowEpoch, uid, resourceVersion, owners, hash = null, adopted = 0]: unknown[] =
    value;
  if (
    (ours !== 0 && ours !== 1) || !(mod === null || isRevision(mod)) ||
    typeof rowEpoch !== "number" || typeof uid !== "string" ||
    typeof resourceVersion !== "string" || !Array.isArray(owners) || !isHash(hash) ||
    (adopted !== 0 && adopted !== 1)
  ) throw damaged(key);
  return {
    key,
    ours: ours === 1,
    mod: rowEpoch === epoch ? mod : null,
    uid,
    resourceVersion,
    ...(hash !== null && { hash }),
    ...(adopted === 1 && { adopted: true }),
    owners: owners.map((owner) => decodeOwner(key, owner)),
  };
}

function decodeOwner(key: string, value: unknown): Owner {
  if (!Array.isArray(value) || value.length < 10) throw damaged(key);
  const [component, gvr, source, uid, resourceVersion, ...rest]: unknown[] = value;
  const [size, mtimeMs, ctimeMs, ino, readAtMs, hash = null] = rest;
  const from = typeof source === "number" ? SOURCES[source] : undefined;
  if (
    typeof component !== "string" || typeof gvr !== "string" || from === undefined ||
    typeof uid !== "string" || typeof resourceVersion !== "string" ||
    typeof size !== "number" || typeof mtimeMs !== "number" || typeof ctimeMs !== "number" ||
    typeof ino !== "number" || typeof readAtMs !== "number" || !isHash(hash)
  ) throw damaged(key);
  return {
    component,
    gvr,
    source: from,
    uid,
    resourceVersion,
    ...(hash !== null && { hash }),
    stamp: { size, mtimeMs, ctimeMs, ino },
    readAtMs,
  };
}

function isHash(value: unknown): value is string | null {
  return value === null || isContentHash(value);
}

/** Whether it can count something, or number it. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Whether it can be a mod revision in etcd. */
export function isRevision(value: unknown): value is string {
  return typeof value === "string" && /^[1-9][0-9]{0,18}$/.test(value);
}

function damaged(key: string): KeyCacheError {
  return new KeyCacheError("damaged", `the cache's row of ${key} is damaged`);
}
