import { type KeyRow, type Owner, sameOwner } from "../keycache/mod.ts";
import { compareResourceVersions, compareVersionPriority, parseGvr } from "../k8s/mod.ts";

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
 * The owner whose version is put: the highest resourceVersion; of equal ones GA before beta
 * before alpha, the higher API version, the core group, then the component's name.
 *
 * @param owners at least one
 * @returns the freshest, undefined if there are none
 */
export function freshest(owners: readonly Owner[]): Owner | undefined {
  let best: Owner | undefined;
  for (const owner of owners) {
    if (!best || compareOwners(owner, best) < 0) best = owner;
  }
  return best;
}

/**
 * Tells whether a version replaces the one of ours that etcd holds. An older copy of the same
 * object never does; another uid does if it is newer, or if no owner holds the old object any more
 * (the cloud was rebuilt and counts from the start again).
 *
 * @param version what the freshest owner holds
 * @param held what etcd holds
 * @param owners all owners of the key
 */
export function replacesOurs(
  version: ObjectVersion,
  held: ObjectVersion,
  owners: readonly Owner[],
): boolean {
  if (isNewer(version, held)) return true;
  return version.uid !== held.uid && !owners.some((owner) => owner.uid === held.uid);
}

/** Tells whether a version has the higher resourceVersion. */
export function isNewer(version: ObjectVersion, than: ObjectVersion): boolean {
  return compareResourceVersions(version.resourceVersion, than.resourceVersion) > 0;
}

function compareOwners(a: Owner, b: Owner): number {
  const newerFirst = compareResourceVersions(b.resourceVersion, a.resourceVersion);
  if (newerFirst !== 0) return newerFirst;
  const left = parseGvr(a.gvr);
  const right = parseGvr(b.gvr);
  return compareVersionPriority(left?.version ?? "", right?.version ?? "") ||
    Number(left?.group !== "") - Number(right?.group !== "") ||
    (a.component < b.component ? -1 : a.component > b.component ? 1 : 0);
}
