import type { CachedFile, ComponentKeyCache, Owner } from "../keycache/mod.ts";
import type { FileSystem, Snapshot } from "../fscache/mod.ts";
import { contentHash, readObject } from "../k8s/mod.ts";

/**
 * Makes the function that fetches what is put: the bytes of an owner's file, and only if they
 * still are the version that was planned. The bytes sent are the bytes parsed.
 *
 * @param root the cache root
 * @param fs the file system
 * @param cache tells where an owner's file is
 * @param snapshot may hold the bytes already; undefined if nothing was scanned
 */
export function fileValues(
  root: string,
  fs: FileSystem,
  cache: ComponentKeyCache,
  snapshot: Snapshot<CachedFile> | undefined,
): (key: string, owner: Owner) => Uint8Array | undefined {
  return (key, owner) => {
    const path = cache.pathOf(key, owner);
    if (path === undefined) return undefined;
    const scanned = snapshot?.files.get(path);
    if (scanned?.bytes && scanned.hash === owner.hash) return scanned.bytes;
    try {
      const source = scanned?.sourcePath ?? snapshot?.backups.get(path) ?? path;
      const { bytes } = fs.readFile(`${root}/${source}`, owner.stamp.size);
      const { uid, resourceVersion } = readObject(bytes);
      const same = uid === owner.uid && resourceVersion === owner.resourceVersion &&
        bytes.length === owner.stamp.size &&
        (owner.hash === undefined || owner.hash === contentHash(bytes));
      return same ? bytes : undefined;
    } catch {
      // Gone, unreadable or half written since it was scanned: the next scan says what it is.
      return undefined;
    }
  };
}
