import type { Snapshot } from "../fscache/mod.ts";
import type { CachedFile, ComponentKeyCache, Owner } from "../keycache/mod.ts";

/**
 * Makes the function that tells whether an owner's file can be put. One that was not looked at
 * counts as such. One that is missing does not, even before it is known whether it is gone for
 * good: that can take long, and what another owner's file holds must not wait for it.
 *
 * @param cache tells where an owner's file is
 * @param snapshot what was found
 */
export function readableIn(
  cache: ComponentKeyCache,
  snapshot: Snapshot<CachedFile>,
): (key: string, owner: Owner) => boolean {
  return (key, owner) => {
    const path = cache.pathOf(key, owner);
    return path === undefined || isFound(snapshot, path) ||
      snapshot.absence(path) === "not-looked-at";
  };
}

/**
 * Tells whether a recorded file is there no more, or is bad and stays so until somebody writes it
 * anew. One that is gone is still recorded if the deletes that follow from that were held back.
 *
 * @param snapshot what was found
 * @param path its canonical path
 */
export function isUnreadable(snapshot: Snapshot<CachedFile>, path: string): boolean {
  if (isFound(snapshot, path)) return false;
  const absence = snapshot.absence(path);
  return absence === "kept" || absence === "gone";
}

function isFound({ files, unchanged }: Snapshot<CachedFile>, path: string): boolean {
  return files.has(path) || unchanged.has(path);
}
