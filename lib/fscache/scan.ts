import type { AbsenceHistory } from "./absence_history.ts";
import { goneFiles } from "./absences.ts";
import { DEFAULT_COMPONENT_LIMITS, maxEntries } from "./component_limits.ts";
import { Coverage, type CoverageOptions } from "./coverage.ts";
import { CustomResources } from "./custom_resources.ts";
import { InvalidPaths } from "./invalid_paths.ts";
import { Listings } from "./listings.ts";
import { missingFiles } from "./missing_files.ts";
import { type ObjectFileOptions, ObjectFiles } from "./object_files.ts";
import { Rewrites } from "./rewrites.ts";
import { Slices } from "../slices.ts";
import type { Absence, KnownFile, Snapshot } from "./snapshot.ts";
import { walk } from "./walk.ts";

/** How to scan an fs cache. */
export interface ScanOptions<K extends KnownFile>
  extends CoverageOptions, Omit<ObjectFileOptions<K>, "known"> {
  /** The directory that holds the components; may be a symlink. */
  readonly root: string;
  /** What is recorded, by canonical path. */
  readonly recorded: ReadonlyMap<string, K>;
  /** A clock that only runs forward, in ms. */
  monotonicMs(): number;
  /** How long a file must be missing, or a file not have changed, to be taken at its word; ms. */
  readonly settleMs: number;
  /** Kept by the caller from one scan of this root to the next. */
  readonly absences: AbsenceHistory;
  /**
   * Kept likewise.
   *
   * @default nothing is known of custom resources beforehand
   */
  readonly customs?: CustomResources | undefined;
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
 * @throws {CacheTooLargeError} if the root has more entries than any cache
 */
export async function scan<K extends KnownFile>(options: ScanOptions<K>): Promise<Snapshot<K>> {
  const { recorded, absences } = options;
  const known = (path: string) => recorded.get(path);
  const coverage = new Coverage(options);
  const invalid = new InvalidPaths();
  const most = maxEntries(options.room?.limits ?? DEFAULT_COMPONENT_LIMITS);
  const listings = new Listings(options.fs, options.root, invalid, most);
  const files = new ObjectFiles({ ...options, known }, invalid);
  const rewrites = new Rewrites();
  const slices = new Slices({
    monotonicMs: () => options.monotonicMs(),
    pause() {
      options.progress?.(files.seen);
      return options.pause();
    },
  });
  let recordedComponents: ReadonlySet<string> | undefined;
  const isRecorded = (component: string) => {
    recordedComponents ??= new Set(recorded.keys().map((path) => path.slice(0, path.indexOf("/"))));
    return recordedComponents.has(component);
  };
  const components = await walk({
    coverage,
    listings,
    files,
    rewrites,
    invalid,
    slices,
    known,
    isRecorded,
    maxEntries: most,
  });
  await files.judgeCustoms({
    slices,
    components,
    everything: options.groups === undefined,
    customs: options.customs ?? new CustomResources(),
  });

  const absenceOf = (path: string): Absence | undefined => {
    if (files.has(path)) return "kept";
    if (!coverage.covers(path)) return "not-looked-at";
    if (invalid.keeps(path)) return "kept";
    return rewrites.has(path) ? "rewriting" : undefined;
  };
  const monotonicMs = options.monotonicMs();
  absences.components.note(listings.directories, components, monotonicMs);
  const missing = missingFiles(recorded, absenceOf, absences, monotonicMs);
  const { settleMs } = options;
  const rules = { history: absences, nowMs: options.nowMs(), monotonicMs, settleMs };
  const gone = await goneFiles(listings.directories, missing, rules, slices);
  options.progress?.(files.seen);
  return {
    unchanged: files.unchanged,
    backups: files.backups,
    files: files.read,
    leftOut: files.leftOut,
    invalid: [...invalid.list, ...files.groupsLeftOut],
    components,
    rewriting: rewrites.groups,
    absence: (path) => absenceOf(path) ?? (gone.has(path) ? "gone" : "unsettled"),
  };
}
