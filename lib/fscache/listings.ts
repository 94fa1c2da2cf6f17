import { reasonOf } from "./file_errors.ts";
import type { DirEntry, FileSystem } from "./file_system.ts";
import type { InvalidPaths } from "./invalid_paths.ts";
import { ListedDirectories } from "./listed_directories.ts";
import { CacheRootError, CacheTooLargeError } from "./scan_errors.ts";
import { standingEntries, type StandingEntry } from "./standing_entries.ts";

/** A root with more entries is none of a cache. */
export const MAX_ROOT_ENTRIES = 250_000;

/** A component has more files and directories than are looked at; the rest of the cache goes on. */
export class TooManyEntries extends Error {
  /** The directory with which it was too much, as it is on disk. */
  readonly source: string;

  /**
   * Notes where it was too much.
   *
   * @param source the directory, below the cache root, as it is on disk
   */
  constructor(source: string) {
    super(`${source} holds too many entries`);
    this.source = source;
  }
}

/** Lists the directories of a cache, within limits, and notes which can't be listed. */
export class Listings {
  /** All that were listed. */
  readonly directories: ListedDirectories;
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #invalid: InvalidPaths;
  readonly #maxEntries: number;
  /** By component. */
  readonly #entriesLeft = new Map<string, number>();

  /**
   * @param fs where they are
   * @param root the cache root
   * @param invalid told of those that can't be listed
   * @param maxEntries how many files and directories of one component are looked at
   */
  constructor(fs: FileSystem, root: string, invalid: InvalidPaths, maxEntries: number) {
    this.#fs = fs;
    this.#root = root;
    this.#invalid = invalid;
    this.#maxEntries = maxEntries;
    this.directories = new ListedDirectories(fs, root);
  }

  /**
   * Lists the root.
   *
   * @returns its entries
   * @throws {CacheRootError} if it is missing, unreadable, or not a directory
   * @throws {CacheTooLargeError} if it holds too many
   */
  root(): readonly DirEntry[] {
    let entries: DirEntry[] | undefined;
    try {
      entries = this.directories.list("", "");
    } catch (cause) {
      throw CacheRootError.of(this.#root, cause);
    }
    if (entries === undefined) throw new CacheRootError(this.#root, "is not a directory");
    if (entries.length > MAX_ROOT_ENTRIES) {
      throw new CacheTooLargeError(this.#root, MAX_ROOT_ENTRIES);
    }
    return entries;
  }

  /**
   * Lists a directory below the root.
   *
   * @param path its canonical path
   * @param source its path as it is on disk
   * @param parent canonical path of the directory whose listing named it
   * @returns the entries that count; none if it can't be listed, which then is noted
   * @throws {TooManyEntries} if its component holds too many entries
   */
  async below(path: string, source: string, parent: string): Promise<readonly StandingEntry[]> {
    const component = path.split("/", 1).join();
    const left = this.#entriesLeft.get(component) ?? this.#maxEntries;
    if (await this.#fs.holdsMore?.(`${this.#root}/${source}`, left)) {
      throw new TooManyEntries(source);
    }
    let entries: DirEntry[] | undefined;
    try {
      entries = this.directories.list(path, source);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        this.#invalid.add(source, path, reasonOf(error));
        return [];
      }
    }
    if (entries === undefined) {
      this.directories.markChanged(parent);
      return [];
    }
    if (entries.length > left) throw new TooManyEntries(source);
    this.#entriesLeft.set(component, left - entries.length);
    return standingEntries(entries);
  }
}
