import { join } from "@std/path";
import type { FileSystem } from "./file_system.ts";
import { backupName, canonicalName } from "./layout.ts";

/**
 * The directories of resources that a component has in the fs cache, also of those in which nothing
 * is left: it asked for them.
 *
 * @param fs the file system
 * @param root the cache root
 * @param component its name
 * @returns their names, as in `pods.v1.core` or `pods`; none if they can't be listed
 */
export function groupDirectories(
  fs: FileSystem,
  root: string,
  component: string,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const directory of [component, backupName(component)]) {
    try {
      for (const { name, kind } of fs.readDir(join(root, directory))) {
        if (kind === "directory") names.add(canonicalName(name));
      }
    } catch {
      // There is none, or nobody knows what is in it.
    }
  }
  return names;
}
