import type { DirEntry, FileStamp, FileStat, FileSystem } from "./file_system.ts";
import { isSameStamp } from "./stamps.ts";

/** A directory that a scan listed. */
export interface ListedDirectory {
  /** Below the cache root, as it is on disk. */
  readonly source: string;
  /** Tells it from another that stands in its place later. */
  readonly identity: string;
  /** Taken before it was listed. */
  readonly stamp: FileStamp;
}

/** The directories that a scan listed, and how they looked just before. */
export class ListedDirectories {
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #listed = new Map<string, ListedDirectory>();
  /** Those whose listing named what was not there any more. */
  readonly #changed = new Set<string>();

  /**
   * @param fs where they are
   * @param root the cache root
   */
  constructor(fs: FileSystem, root: string) {
    this.#fs = fs;
    this.#root = root;
  }

  /**
   * Lists a directory and notes how it looked just before.
   *
   * @param path its canonical path, empty for the root
   * @param source its path as it is on disk
   * @returns its entries; undefined if no directory stands there
   * @throws what the file system throws
   */
  list(path: string, source: string): DirEntry[] | undefined {
    const stat = this.stat(source);
    if (stat.kind !== "directory") return undefined;
    const entries = this.#fs.readDir(`${this.#root}/${source}`);
    this.#listed.set(path, { source, identity: identityOf(stat), stamp: stat });
    return entries;
  }

  /**
   * What was listed at a path.
   *
   * @param path canonical path, empty for the root
   * @returns undefined if no directory was
   */
  get(path: string): ListedDirectory | undefined {
    return this.#listed.get(path);
  }

  /**
   * Notes that something which a directory's listing named was not there any more.
   *
   * @param path the directory's canonical path
   */
  markChanged(path: string): void {
    this.#changed.add(path);
  }

  /**
   * Tells whether a directory is as it was before it was listed.
   *
   * @param path its canonical path
   * @param now how it looks now
   * @returns true if so
   */
  heldStill(path: string, now: FileStamp): boolean {
    const listed = this.#listed.get(path);
    return listed !== undefined && isSameStamp(listed.stamp, now) && !this.#changed.has(path);
  }

  /**
   * Looks at a path.
   *
   * @param source below the cache root, as it is on disk
   * @returns what stands there
   * @throws what the file system throws
   */
  stat(source: string): FileStat {
    // The root may be a symlink: with `/.` behind it, what it points to is looked at.
    return this.#fs.lstat(source === "" ? `${this.#root}/.` : `${this.#root}/${source}`);
  }
}

/**
 * Tells a directory from another that stands in its place later, with the same inode number.
 *
 * @param stat what stands there
 * @returns the same for the same directory only
 */
export function identityOf({ ino, birthtimeMs }: FileStat): string {
  return `${ino}@${birthtimeMs}`;
}
