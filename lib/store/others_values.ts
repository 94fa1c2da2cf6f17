import { compareResourceVersions, isResourceVersion } from "../k8s/mod.ts";
import type { KeyRow, Owner } from "../keycache/mod.ts";
import { freshest, holds, isNewer, type ObjectVersion } from "./ownership.ts";

/**
 * Says how a value that is not ours differs from what its owners hold.
 *
 * @param held what etcd holds; its resourceVersion is empty if an apiserver wrote it
 * @param owners who holds the key here
 * @returns in a few words; undefined if an owner holds it, to the byte as far as that is known
 */
export function othersValue(held: ObjectVersion, owners: readonly Owner[]): string | undefined {
  const { resourceVersion } = held;
  if (resourceVersion === "") return "an apiserver's value";
  if (owners.some((owner) => holds(owner, held))) return undefined;
  const another = "another importer's value";
  if (!isResourceVersion(resourceVersion)) {
    return `${another}: its resourceVersion is none (a decimal up to 2^63-1)`;
  }
  const owner = freshest(owners);
  if (!owner) return another;
  const order = compareResourceVersions(resourceVersion, owner.resourceVersion);
  if (order === 0) return `${another}: other content at resourceVersion ${resourceVersion}`;
  const side = order > 0 ? "newer" : "older";
  return `${another}: resourceVersion ${resourceVersion} is ${side} than ${owner.component}'s ` +
    owner.resourceVersion;
}

/**
 * Keys whose value another importer wrote, and which no owner here holds, for as long as etcd stays
 * as it was last seen, each with what is known of it. What was adopted may be another's as well.
 *
 * @param rows what is recorded
 */
export function standingOthers(rows: ReadonlyMap<string, KeyRow>): Map<string, string> {
  const others = new Map<string, string>();
  for (const [key, row] of rows) {
    const { ours, adopted = false, mod, resourceVersion, owners } = row;
    if ((ours && !adopted) || mod === null || resourceVersion === "" || owners.length === 0) {
      continue;
    }
    // What is older is replaced by the next pass, or a conflict.
    const owner = freshest(owners);
    if (owner && isNewer(owner, row)) continue;
    const difference = othersValue(row, owners);
    if (difference !== undefined) others.set(key, difference);
  }
  return others;
}
