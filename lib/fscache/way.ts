import type { FileStat } from "./file_system.ts";
import { backupName } from "./layout.ts";
import { identityOf, type ListedDirectories } from "./listed_directories.ts";
import { isSameStamp } from "./stamps.ts";

/** The directories that were listed on the way to some files, as they look now. */
export interface Way {
  /** By canonical path, the root (empty) first. */
  readonly stats: ReadonlyMap<string, FileStat>;
  /** The first directory on the way that was not listed; undefined if all were. */
  readonly missing: string | undefined;
  /** Tells these directories from others that stand in their places later. */
  readonly identity: string;
}

/**
 * Looks at the directories on the way to files that a walk did not find.
 *
 * @param listed what the walk listed
 * @param directory canonical path of the directory that should hold the files
 * @returns undefined if a directory is not the one that was listed, or its backup stands: then what
 * is missing may only have been moved
 * @throws what the file system throws
 */
export function lookAtWay(listed: ListedDirectories, directory: string): Way | undefined {
  const stats = new Map<string, FileStat>();
  let identity = "";
  for (const path of stepsTo(directory)) {
    if (path !== "" && stands(listed, backupOf(path))) return undefined;
    const before = listed.get(path);
    if (before === undefined) {
      return stands(listed, path) ? undefined : { stats, missing: path, identity };
    }
    const stat = listed.stat(before.source);
    if (identityOf(stat) !== before.identity) return undefined;
    stats.set(path, stat);
    identity += `/${before.identity}`;
  }
  return { stats, missing: undefined, identity };
}

/**
 * Tells whether nothing changed between two looks in any directory on the way but the root, which
 * changes with each cluster info file.
 *
 * @param a one look
 * @param b the other
 * @returns true if so
 */
export function isSameWay(a: Way, b: Way): boolean {
  if (a.identity !== b.identity || a.missing !== b.missing) return false;
  return [...a.stats].every(([path, stat]) => {
    const other = b.stats.get(path);
    return path === "" || (other !== undefined && isSameStamp(stat, other));
  });
}

/**
 * Tells whether anything stands at a path.
 *
 * @param listed looks at it
 * @param source below the cache root, as it is on disk
 * @returns false only if nothing does
 * @throws what the file system throws, if it can't tell
 */
export function stands(listed: ListedDirectories, source: string): boolean {
  try {
    listed.stat(source);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Where yurthub's backup of a path stands.
 *
 * @param path below the cache root
 * @returns the same with `tmp_` before its last segment
 */
export function backupOf(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  return path.slice(0, slash) + backupName(path.slice(slash));
}

/** The root, and every directory down to this one. */
function stepsTo(directory: string): string[] {
  const steps = [""];
  for (let end = directory.indexOf("/"); end >= 0; end = directory.indexOf("/", end + 1)) {
    steps.push(directory.slice(0, end));
  }
  return [...steps, directory];
}
