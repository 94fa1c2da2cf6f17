import type { AbsenceHistory } from "./absence_history.ts";
import type { ListedDirectories } from "./listed_directories.ts";
import type { MissingFiles } from "./missing_files.ts";
import type { Slices } from "../slices.ts";
import { backupOf, isSameWay, lookAtWay, stands, type Way } from "./way.ts";

/** What absences are judged by. */
export interface AbsenceRules {
  /** What is remembered from scan to scan. */
  readonly history: AbsenceHistory;
  /** Wall clock, to compare with file times; ms since the epoch. */
  readonly nowMs: number;
  /** The time of this look, by a clock that only runs forward, in ms. */
  readonly monotonicMs: number;
  /** How long a file must have been missing, in ms. */
  readonly settleMs: number;
}

/** So many files are looked at in one go; in between, their directory must hold still. */
const FILES_AT_ONCE = 32;
/** A directory that moved meanwhile is looked at again, so many times. */
const MAX_LOOKS = 3;

/**
 * Judges files that a walk did not find. yurthub renames `f` to `tmp_f`, makes `f` anew and removes
 * `tmp_f`, so that a directory in use never rests, and a listing of it can miss both names. So each
 * file is looked at by itself, while the directories on the way stay the ones that were listed, no
 * backup of theirs stands, and nothing in them changes. It is gone if it was missing in two such
 * looks far enough apart, or if its directories have rested for as long.
 *
 * @param listed what the walk listed
 * @param missing which files
 * @param rules what to go by
 * @param slices to pause between
 * @returns of them those that are gone
 */
export async function goneFiles(
  listed: ListedDirectories,
  missing: MissingFiles,
  rules: AbsenceRules,
  slices: Slices,
): Promise<Set<string>> {
  const { history, nowMs, monotonicMs, settleMs } = rules;
  const gone = new Set<string>();
  const isSteady = history.isWallClockSteady(nowMs, monotonicMs, settleMs);
  for (const [directory, files] of missing.byDirectory) {
    const component = directory.slice(0, directory.indexOf("/"));
    const look = missing.lookAt(component);
    const seenMs = monotonicMs - (history.components.sinceMs(component) ?? Infinity);
    const rootCounts = seenMs < settleMs;
    for (let from = 0; from < files.length; from += FILES_AT_ONCE) {
      if (slices.isOver()) await slices.pause();
      const some = files.slice(from, from + FILES_AT_ONCE);
      const seen = lookAtFiles(listed, directory, some);
      const restedMs = seen.way && isSteady
        ? restOf(listed, seen.way, nowMs, rootCounts)
        : -Infinity;
      for (const file of some) {
        if (seen.found.has(file)) history.forget(file);
        else if (seen.way === undefined) history.lostSightOf(file, look);
        else {
          const sinceMs = history.missed(file, seen.way.identity, look);
          const missingMs = sinceMs === undefined ? -Infinity : monotonicMs - sinceMs;
          if (Math.max(missingMs, restedMs) >= settleMs) gone.add(file);
        }
      }
    }
  }
  return gone;
}

/** What a look at some files of one directory found; without a way it does not count. */
interface FilesLook {
  readonly found: ReadonlySet<string>;
  readonly way: Way | undefined;
}

function lookAtFiles(
  listed: ListedDirectories,
  directory: string,
  files: readonly string[],
): FilesLook {
  const found = new Set<string>();
  try {
    for (let look = 0; look < MAX_LOOKS; look++) {
      const before = lookAtWay(listed, directory);
      if (before === undefined) break;
      if (before.missing === undefined) {
        for (const file of files) if (standsOrMoves(listed, file)) found.add(file);
      }
      const after = lookAtWay(listed, directory);
      if (after === undefined) break;
      if (isSameWay(before, after)) return { found, way: after };
    }
  } catch {
    // What can't be looked at may be there.
  }
  return { found, way: undefined };
}

/** The backup is asked for on both sides: between them, an update would have to come and go. */
function standsOrMoves(listed: ListedDirectories, file: string): boolean {
  const backup = backupOf(file);
  return stands(listed, backup) || stands(listed, file) || stands(listed, backup);
}

/**
 * For how long the directories on the way have been as they are, by the wall clock, in ms. The root
 * changes with each cluster info file. That matters to what is missing in it, and for as long as
 * nobody knows that no backup of the component was removed from it just now.
 */
function restOf(
  listed: ListedDirectories,
  { stats, missing }: Way,
  nowMs: number,
  rootCounts: boolean,
): number {
  const inRoot = missing !== undefined && !missing.includes("/");
  let changedMs = -Infinity;
  for (const [path, stat] of stats) {
    if (path === "" && !inRoot && !rootCounts) continue;
    if (!listed.heldStill(path, stat)) return -Infinity;
    changedMs = Math.max(changedMs, stat.mtimeMs, stat.ctimeMs);
  }
  return nowMs - changedMs;
}
