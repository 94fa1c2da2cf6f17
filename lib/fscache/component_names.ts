import type { FileSystem } from "./file_system.ts";
import { canonicalName, INTERNAL_DIRECTORY } from "./layout.ts";
import { CacheRootError } from "./scan_errors.ts";

/**
 * The names of components' directories in the cache root; a `tmp_` backup counts as what it backs
 * up. yurthub's own directory is none.
 *
 * @param fs the file system
 * @param root the cache root
 * @throws {CacheRootError} if the root can't be listed
 */
export function namesInRoot(fs: FileSystem, root: string): ReadonlySet<string> {
  try {
    const directories = fs.readDir(root).filter(({ kind }) => kind !== "file");
    const names = new Set(directories.map(({ name }) => canonicalName(name)));
    names.delete(INTERNAL_DIRECTORY);
    return names;
  } catch (error) {
    throw CacheRootError.of(root, error);
  }
}
