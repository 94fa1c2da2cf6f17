import { groupOf } from "../fscache/mod.ts";
import type { ComponentKeyCache, Owner } from "../keycache/mod.ts";
import type { Findings } from "./findings.ts";

/**
 * Makes the function that tells whether a look was full and settled, as far as a key is concerned:
 * each of its owners' files was seen, and nothing is under way around it.
 *
 * @param cache tells where an owner's file is
 * @param look what was found
 * @param full all was looked at
 */
export function settledIn(
  cache: ComponentKeyCache,
  { snapshot, diff }: Pick<Findings, "snapshot" | "diff">,
  full: boolean,
): (key: string, owners: readonly Owner[]) => boolean {
  return (key, owners) =>
    full && owners.every((owner) => {
      const path = cache.pathOf(key, owner);
      if (path === undefined) return true;
      const isSeen = snapshot.files.has(path) || snapshot.unchanged.has(path);
      return isSeen && !diff.waiting.has(groupOf(path));
    });
}
