import { type KeyRow, type Owner, sameOwner } from "../keycache/mod.ts";
import {
  compareResourceVersions,
  compareVersionPriority,
  isResourceVersion,
  parseGvr,
} from "../k8s/mod.ts";

/** How the owners of one key change. */
export interface OwnershipChange {
  /** The object key. */
  readonly key: string;
  /** New owners, and owners whose version or file changed. */
  readonly acquired: readonly Owner[];
  /** Owners that let go. */
  readonly released: readonly Owner[];
}

/** A version of an object, as far as versions are compared. */
export interface ObjectVersion {
  /** metadata.uid; may be empty. */
  readonly uid: string;
  /** metadata.resourceVersion, decimal; empty if an apiserver wrote it, which stores none. */
  readonly resourceVersion: string;
  /** Of its bytes; absent: not known. */
  readonly hash?: string;
}

/**
 * Owners after = (owners − released) + acquired.
 *
 * @param row the key's row, if it has one
 * @param change what changes, if anything does
 */
export function ownersAfter(
  row: KeyRow | undefined,
  change: OwnershipChange | undefined,
): readonly Owner[] {
  const before = row?.owners ?? [];
  if (!change) return before;
  const gone = [...change.released, ...change.acquired];
  return [
    ...before.filter((owner) => !gone.some((other) => sameOwner(owner, other))),
    ...change.acquired,
  ];
}

/**
 * The owner whose version is put: the highest resourceVersion; of equal ones GA before beta before
 * alpha, the higher API version, the core group, the lower rank, then the component's name.
 * One whose resourceVersion is none (an earlier edgekeyd took higher ones) comes last.
 *
 * @param owners in any order
 * @param rank which of several that are as fresh comes first
 * @returns the freshest, undefined if there are none
 */
export function freshest(
  owners: readonly Owner[],
  rank: (owner: Owner) => number = () => 0,
): Owner | undefined {
  let best: Owner | undefined;
  for (const owner of owners) {
    if (!best || compareOwners(owner, best, rank) < 0) best = owner;
  }
  return best;
}

/**
 * Tells whether an owner holds what etcd does, to the byte. Where the bytes of either are not known,
 * the version tells.
 *
 * @param owner the owner
 * @param held what etcd holds
 */
export function holds(owner: ObjectVersion, held: ObjectVersion): boolean {
  return owner.resourceVersion === held.resourceVersion && owner.uid === held.uid &&
    (owner.hash === undefined || held.hash === undefined || owner.hash === held.hash);
}

/**
 * Tells whether etcd is seen to hold the freshest version of an owner's, without a closer look: of
 * those with its resourceVersion all have its bytes, and there is one.
 *
 * @param row the key's row, whose mod is the one in etcd
 */
export function holdsFreshest(row: KeyRow): boolean {
  let isHeld = false;
  for (const owner of row.owners) {
    const order = compareResourceVersions(owner.resourceVersion, row.resourceVersion);
    if (order > 0 || (order === 0 && !holds(owner, row))) return false;
    if (order === 0) isHeld = true;
  }
  return isHeld && isResourceVersion(row.resourceVersion);
}

/** Tells whether a version has the higher resourceVersion. */
export function isNewer(version: ObjectVersion, than: ObjectVersion): boolean {
  return compareResourceVersions(version.resourceVersion, than.resourceVersion) > 0;
}

function compareOwners(a: Owner, b: Owner, rank: (owner: Owner) => number): number {
  const newerFirst = compareResourceVersions(b.resourceVersion, a.resourceVersion);
  if (newerFirst !== 0) {
    const valid = Number(isResourceVersion(b.resourceVersion)) -
      Number(isResourceVersion(a.resourceVersion));
    return valid || newerFirst;
  }
  return (a.gvr === b.gvr ? 0 : compareGvrs(a.gvr, b.gvr)) ||
    rank(a) - rank(b) ||
    (a.component < b.component ? -1 : a.component > b.component ? 1 : 0);
}

function compareGvrs(a: string, b: string): number {
  const left = parseGvr(a);
  const right = parseGvr(b);
  return compareVersionPriority(left?.version ?? "", right?.version ?? "") ||
    Number(left?.group !== "") - Number(right?.group !== "");
}

/**
 * Says what is missing where the API was given a fresher version than etcd holds: after a restore,
 * say. No file has its bytes.
 *
 * @param owners who holds the key here
 * @param held what etcd holds, which is no apiserver's
 * @returns what is so, and what to do; undefined if it is not
 */
export function behindApi(
  owners: readonly Owner[],
  held: ObjectVersion,
): string | undefined {
  // What a file has of it is in step.
  if (held.resourceVersion === "" || owners.some((owner) => holds(owner, held))) return undefined;
  const given = freshest(owners.filter(({ source }) => source === "api"));
  if (!given) return undefined;
  const { component, resourceVersion } = given;
  if (compareResourceVersions(resourceVersion, held.resourceVersion) <= 0) return undefined;
  return `etcd holds resourceVersion ${held.resourceVersion}, and ${component} gave the API ` +
    `${resourceVersion}; have it put again`;
}
