import { Coverage, type CoverageOptions } from "./coverage.ts";
import type { DirectoryHistory } from "./directory_history.ts";
import { InvalidPaths } from "./invalid_paths.ts";
import { parsePath } from "./layout.ts";
import { Listings } from "./listings.ts";
import { type ObjectFileOptions, ObjectFiles } from "./object_files.ts";
import { Rewrites } from "./rewrites.ts";
import { Slices } from "../slices.ts";
import type { Absence, KnownFile, Snapshot } from "./snapshot.ts";
import { walk } from "./walk.ts";

/** How to scan an fs cache. */
export interface ScanOptions<K extends KnownFile> extends CoverageOptions, ObjectFileOptions<K> {
  /** The directory that holds the components; may be a symlink. */
  readonly root: string;
  /** A clock that only runs forward, in ms. */
  monotonicMs(): number;
  /** For how long a directory or file must not have changed to be taken at its word; ms. */
  readonly settleMs: number;
  /**
   * How many bytes of files the snapshot may hold; files beyond it come without theirs.
   *
   * @default {16777216}
   */
  readonly maxRetainedBytes?: number | undefined;
  /** Kept by the caller from one scan of this root to the next. */
  readonly directories: DirectoryHistory;
  /** Told now and then, and at the end, how many files were looked at. */
  progress?(files: number): void;
  /** Lets the event loop run. */
  pause(): Promise<void>;
}

/**
 * Reads the fs cache: what is new or changed, what is as it was, what is invalid, and what the
 * absence of anything else means. A bad file or directory never fails the scan.
 *
 * @param options what to scan, and what is known of it
 * @returns what was found
 * @throws {CacheRootError} if the root is missing, unreadable, or not a directory
 * @throws {CacheTooLargeError} if there are more entries than any cache has
 */
export async function scan<K extends KnownFile>(options: ScanOptions<K>): Promise<Snapshot<K>> {
  const coverage = new Coverage(options);
  const invalid = new InvalidPaths();
  const listings = new Listings(options.fs, options.root, invalid);
  const files = new ObjectFiles(options, invalid);
  const rewrites = new Rewrites();
  const slices = new Slices(() => options.monotonicMs(), () => {
    options.progress?.(files.seen);
    return options.pause();
  });
  const isKnown = (path: string) => options.known(path) !== undefined;
  const components = await walk({
    coverage,
    listings,
    files,
    rewrites,
    invalid,
    slices,
    isKnown,
  });
  const { directories } = listings;
  await directories.lookAgain({
    history: options.directories,
    nowMs: options.nowMs(),
    monotonicMs: options.monotonicMs(),
    settleMs: options.settleMs,
  }, slices);
  if (options.groups === undefined) directories.prune(options.directories);
  options.progress?.(files.seen);

  const absence = (path: string): Absence => {
    const parts = parsePath(path);
    if (
      parts === undefined ||
      coverage.limit(parts.component, parts.directory)?.has(path) === false
    ) return "not-looked-at";
    if (files.has(path) || invalid.keeps(path)) return "kept";
    return rewrites.has(parts) ? "rewriting" : directories.absence(parts);
  };
  return {
    unchanged: files.unchanged,
    backups: files.backups,
    files: files.read,
    invalid: invalid.list,
    components,
    rewriting: rewrites.groups,
    absence,
  };
}
