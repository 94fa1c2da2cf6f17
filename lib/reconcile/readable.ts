import type { Snapshot } from "../fscache/mod.ts";
import type { CachedFile, ComponentKeyCache, Owner } from "../keycache/mod.ts";

/**
 * Makes the function that tells whether an owner's file can be put, as far as it was looked at.
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
    return path === undefined || !isUnreadable(snapshot, path);
  };
}

/**
 * Tells whether a recorded file is bad, until somebody writes it anew, or gone, though its release
 * was held back.
 *
 * @param snapshot what was found
 * @param path its canonical path
 */
export function isUnreadable(snapshot: Snapshot<CachedFile>, path: string): boolean {
  if (snapshot.files.has(path) || snapshot.unchanged.has(path)) return false;
  const absence = snapshot.absence(path);
  return absence === "kept" || absence === "gone";
}
