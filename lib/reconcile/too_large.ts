import type { InvalidPath } from "../fscache/mod.ts";
import type { ComponentKeyCache, Owner } from "../keycache/mod.ts";
import { FITS_NO_TXN } from "../store/mod.ts";

/**
 * Names the files of objects that fit no request.
 *
 * @param cache tells where an owner's file is
 * @param tooLarge object keys, each with the owner whose object was to be put
 */
export function tooLargeFiles(
  cache: ComponentKeyCache,
  tooLarge: Iterable<readonly [key: string, owner: Owner | undefined]>,
): InvalidPath[] {
  return Array.from(tooLarge, ([key, owner]) => ({
    path: (owner && cache.pathOf(key, owner)) ?? key,
    reason: FITS_NO_TXN,
    kind: "too-large",
  }));
}
