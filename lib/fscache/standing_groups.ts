import { Coverage, type CoverageOptions } from "./coverage.ts";
import type { DirEntry, FileSystem } from "./file_system.ts";
import { backupName, canonicalName, type GroupDirectory, parseDirectory } from "./layout.ts";

/** A directory that is larger itself holds more than a hundred thousand names. */
const MAX_LISTED_BYTES = 4 * 1024 * 1024;

/** A group's directory as it stands, whether or not a scan looks at it. */
export interface StandingGroup extends GroupDirectory {
  /** Its component. */
  readonly component: string;
  /** Canonical name of the directory. */
  readonly directory: string;
  /** Path as it is on disk, below the cache root. */
  readonly source: string;
}

/**
 * Lists the groups that stand in the cache. What can't be listed is passed over: a scan tells.
 *
 * @param fs where it is
 * @param root the cache root
 * @param coverage which of them count
 * @returns their directories; a backup has one of its own
 */
export function standingGroups(
  fs: FileSystem,
  root: string,
  coverage: CoverageOptions,
): StandingGroup[] {
  const covered = new Coverage(coverage);
  const groups: StandingGroup[] = [];
  for (const { name: component } of directoriesIn(fs, root)) {
    if (!covered.component(component)) continue;
    if (isHuge(fs, `${root}/${component}`)) continue;
    for (const { name } of directoriesIn(fs, `${root}/${component}`)) {
      const directory = canonicalName(name);
      const group = parseDirectory(directory);
      if (group === undefined || !covered.directory(component, directory)) continue;
      groups.push({ ...group, component, directory, source: `${component}/${name}` });
    }
  }
  return groups;
}

/**
 * Tells whether a file, or its backup on any level, stands in a group.
 *
 * @param fs where it is
 * @param root the cache root
 * @param group the group
 * @param object namespace (empty if there is none) and name
 * @returns true also if that can't be told
 */
export function standsIn(
  fs: FileSystem,
  root: string,
  { source }: StandingGroup,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): boolean {
  const within = namespace === "" ? [""] : [`${namespace}/`, `${backupName(namespace)}/`];
  return within.some((directory) =>
    [name, backupName(name)].some((file) => stands(fs, `${root}/${source}/${directory}${file}`))
  );
}

function stands(fs: FileSystem, path: string): boolean {
  try {
    fs.lstat(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

/**
 * Tells whether a component's directory holds more than one of groups can: a scan leaves it as it
 * was, and says so.
 *
 * @param fs where it is
 * @param path the directory
 * @returns false also if that can't be told
 */
export function isHuge(fs: FileSystem, path: string): boolean {
  try {
    return fs.lstat(path).size > MAX_LISTED_BYTES;
  } catch {
    return false;
  }
}

function directoriesIn(fs: FileSystem, path: string): DirEntry[] {
  try {
    return fs.readDir(path).filter(({ kind }) => kind === "directory");
  } catch {
    return [];
  }
}
