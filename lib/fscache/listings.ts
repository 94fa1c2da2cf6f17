import { reasonOf } from "./file_errors.ts";
import type { DirEntry, FileSystem } from "./file_system.ts";
import type { InvalidPaths } from "./invalid_paths.ts";
import { ListedDirectories } from "./listed_directories.ts";
import { CacheRootError, CacheTooLargeError } from "./scan_errors.ts";
import { standingEntries, type StandingEntry } from "./standing_entries.ts";

/** A directory with more entries is not looked into. */
export const MAX_DIRECTORY_ENTRIES = 250_000;
/** A scan that meets more entries gives up. */
export const MAX_ENTRIES = 1_000_000;

/** Lists the directories of a cache, within limits, and notes which can't be listed. */
export class Listings {
  /** All that were listed. */
  readonly directories: ListedDirectories;
  readonly #root: string;
  readonly #invalid: InvalidPaths;
  #entries = 0;

  /**
   * @param fs where they are
   * @param root the cache root
   * @param invalid told of those that can't be listed
   */
  constructor(fs: FileSystem, root: string, invalid: InvalidPaths) {
    this.#root = root;
    this.#invalid = invalid;
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
    if (entries.length > MAX_DIRECTORY_ENTRIES) {
      throw new CacheTooLargeError(this.#root, MAX_DIRECTORY_ENTRIES);
    }
    this.#count(entries);
    return entries;
  }

  /**
   * Lists a directory below the root.
   *
   * @param path its canonical path
   * @param source its path as it is on disk
   * @param parent canonical path of the directory whose listing named it
   * @returns the entries that count; none if it can't be listed, which then is noted
   * @throws {CacheTooLargeError} if the whole cache holds too many entries
   */
  below(path: string, source: string, parent: string): readonly StandingEntry[] {
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
    if (entries.length > MAX_DIRECTORY_ENTRIES) {
      this.#invalid.add(source, path, `holds more than ${MAX_DIRECTORY_ENTRIES} entries`);
      return [];
    }
    this.#count(entries);
    return standingEntries(entries);
  }

  #count(entries: readonly DirEntry[]): void {
    this.#entries += entries.length;
    if (this.#entries > MAX_ENTRIES) throw new CacheTooLargeError(this.#root, MAX_ENTRIES);
  }
}
