import type { DirectoryHistory } from "./directory_history.ts";
import type { DirEntry, FileStamp, FileSystem } from "./file_system.ts";
import type { PathParts } from "./layout.ts";
import type { Slices } from "../slices.ts";
import { isSameStamp } from "./stamps.ts";

/** What the second look at the directories goes by. */
export interface SecondLook {
  readonly history: DirectoryHistory;
  /** Wall clock, to compare with file times. */
  readonly nowMs: number;
  /** A clock that only runs forward. */
  readonly monotonicMs: number;
  readonly settleMs: number;
}

interface ListedDirectory {
  /** Below the cache root, as it is on disk. */
  readonly source: string;
  /** Taken before it was listed. */
  readonly stamp: FileStamp;
  /** It did not hold still from before its listing to after the walk. */
  changed: boolean;
  settled: boolean;
}

/**
 * The directories that a scan listed. They answer whether a name that was not seen is really
 * absent, which takes a second look at each of them after the walk.
 */
export class ListedDirectories {
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #listed = new Map<string, ListedDirectory>();

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
    const { kind, ...stamp } = this.#lstat(source);
    if (kind !== "directory") return undefined;
    const entries = this.#fs.readDir(`${this.#root}/${source}`);
    this.#listed.set(path, { source, stamp, changed: false, settled: false });
    return entries;
  }

  /**
   * Notes that something which a directory's listing named was not there any more.
   *
   * @param path the directory's canonical path
   */
  markChanged(path: string): void {
    const directory = this.#listed.get(path);
    if (directory !== undefined) directory.changed = true;
  }

  /**
   * Looks at each directory again. Only then can {@linkcode ListedDirectories.absence} tell.
   *
   * @param look what to go by
   * @param slices to pause between
   */
  async lookAgain(look: SecondLook, slices: Slices): Promise<void> {
    for (const directory of this.#listed.values()) {
      if (slices.isOver()) await slices.pause();
      try {
        const now = this.#lstat(directory.source);
        if (!isSameStamp(now, directory.stamp)) directory.changed = true;
        directory.settled = isSettled(directory.source, now, look);
      } catch {
        directory.changed = true;
      }
    }
  }

  /**
   * Forgets the history of all other directories.
   *
   * @param history what the caller keeps between scans
   */
  prune(history: DirectoryHistory): void {
    const sources = new Set(Array.from(this.#listed.values(), (directory) => directory.source));
    history.retain((source) => sources.has(source));
  }

  /**
   * Judges a path that the walk passed by and did not see.
   *
   * @param parts its parts
   * @returns `gone` if every directory on the way held still and has settled
   */
  absence(parts: PathParts): "gone" | "unsettled" {
    const root = this.#listed.get("");
    if (root === undefined || root.changed) return "unsettled";
    const { component, directory, namespace } = parts;
    // The base changes with each cluster info file: how young it is matters only if the component
    // itself is missing there.
    if (!this.#listed.has(component)) return root.settled ? "gone" : "unsettled";
    const chain = [component, `${component}/${directory}`];
    if (namespace !== "") chain.push(`${component}/${directory}/${namespace}`);
    for (const path of chain) {
      const listed = this.#listed.get(path);
      if (listed === undefined) return "gone";
      if (listed.changed || !listed.settled) return "unsettled";
    }
    return "gone";
  }

  #lstat(source: string) {
    // The root may be a symlink: with `/.` behind it, what it points to is looked at.
    return this.#fs.lstat(source === "" ? `${this.#root}/.` : `${this.#root}/${source}`);
  }
}

function isSettled(source: string, stamp: FileStamp, look: SecondLook): boolean {
  const seenForMs = look.history.look(source, stamp, look.monotonicMs);
  if (seenForMs !== undefined && seenForMs >= look.settleMs) return true;
  return look.nowMs - Math.max(stamp.mtimeMs, stamp.ctimeMs) >= look.settleMs;
}
