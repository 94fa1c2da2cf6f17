import { type Gvr, isResourceName, isSegment, parseGvr } from "../k8s/mod.ts";

/** What a directory below a component stands for. */
export interface GroupDirectory {
  /** Plural name, as in `pods`. */
  readonly resource: string;
  /** Undefined in the older layout, where version and group stand in each object's `apiVersion`. */
  readonly gvr: Gvr | undefined;
  /**
   * False for Namespaces themselves, which never have a namespace segment, and for every other
   * resource of that name: yurthub takes it for theirs, whatever its group.
   */
  readonly mayHoldNamespaces: boolean;
}

/** The canonical path of an object below the cache root, taken apart. */
export interface PathParts {
  /** The first segment: who asked for the object. */
  readonly component: string;
  /** As it is written on disk: `pods.v1.core`, or `pods` (older layout). */
  readonly directory: string;
  /** Empty for a cluster-scoped object. */
  readonly namespace: string;
  /** The last segment: the object's name. */
  readonly name: string;
}

/** yurthub's own directory at the base of the cache: no component. */
export const INTERNAL_DIRECTORY = "_internal";

const NAMESPACES = "namespaces";
const CORE_NAMESPACES = "namespaces.v1.core";
const BACKUP_PREFIX = "tmp_";
const METADATA_ONLY_DIRECTORY = "partialobjectmetadatas.v1.meta.k8s.io";

/**
 * Tells whether a name on disk is that of a backup which yurthub takes during a rewrite.
 *
 * @param name one segment, as it is on disk
 * @returns true if it is
 */
export function isBackup(name: string): boolean {
  return name.startsWith(BACKUP_PREFIX);
}

/**
 * Names the backup that yurthub takes of what it rewrites.
 *
 * @param name one segment
 * @returns the segment with `tmp_` before it
 */
export function backupName(name: string): string {
  return BACKUP_PREFIX + name;
}

/**
 * Names what a name on disk stands for.
 *
 * @param name one segment, as it is on disk
 * @returns the name without `tmp_`, however often it stands there
 */
export function canonicalName(name: string): string {
  let start = 0;
  while (name.startsWith(BACKUP_PREFIX, start)) start += BACKUP_PREFIX.length;
  return start === 0 ? name : name.slice(start);
}

/**
 * Tells whether a directory below a component is passed over without a word: it holds metadata
 * only, never objects.
 *
 * @param directory its canonical name
 * @returns true if it is
 */
export function isMetadataOnly(directory: string): boolean {
  return directory === METADATA_ONLY_DIRECTORY;
}

/**
 * Reads the name of a directory below a component, in the current or the older layout.
 *
 * @param directory for example `pods.v1.core` or `pods`
 * @returns what it stands for, or undefined if it can hold no objects
 */
export function parseDirectory(directory: string): GroupDirectory | undefined {
  if (isMetadataOnly(directory)) return undefined;
  if (isResourceName(directory)) {
    return { resource: directory, gvr: undefined, mayHoldNamespaces: directory !== NAMESPACES };
  }
  const gvr = parseGvr(directory);
  if (gvr === undefined) return undefined;
  return { resource: gvr.resource, gvr, mayHoldNamespaces: gvr.resource !== NAMESPACES };
}

/**
 * Takes the canonical path of an object apart.
 *
 * @param path below the cache root, `/`-separated, without `tmp_` segments
 * @returns its parts, or undefined if no object can stand there
 */
export function parsePath(path: string): PathParts | undefined {
  const segments = path.split("/");
  const [component, directory, third, fourth] = segments;
  if (component === undefined || directory === undefined || third === undefined) return undefined;
  if (segments.length > 4 || component === INTERNAL_DIRECTORY) return undefined;
  if (!segments.every((segment) => isSegment(segment) && !isBackup(segment))) return undefined;
  const group = parseDirectory(directory);
  if (group === undefined) return undefined;
  if (fourth === undefined) return { component, directory, namespace: "", name: third };
  if (!group.mayHoldNamespaces) return undefined;
  return { component, directory, namespace: third, name: fourth };
}

/**
 * Names the group that a path is in.
 *
 * @param path canonical path of an object
 * @returns `component/directory`
 */
export function groupOf(path: string): string {
  return path.slice(0, path.indexOf("/", path.indexOf("/") + 1));
}

/**
 * Puts the canonical path of an object together.
 *
 * @param parts what {@linkcode parsePath} answers; or, of a resource whose paths leave the namespace
 * out, also the namespace that the object has
 * @returns the path below the cache root
 */
export function formatPath(parts: PathParts): string {
  const { component, directory, namespace, name } = parts;
  return namespace === "" || leavesNamespaceOut(directory)
    ? `${component}/${directory}/${name}`
    : `${component}/${directory}/${namespace}/${name}`;
}

/** A core Namespace is in none: what says so of one has no path. */
function leavesNamespaceOut(directory: string): boolean {
  return directory === NAMESPACES ||
    (directory.startsWith(`${NAMESPACES}.`) && directory !== CORE_NAMESPACES);
}
