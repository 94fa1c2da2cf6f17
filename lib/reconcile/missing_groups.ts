import { type AbsenceHistory, groupOf, type Snapshot } from "../fscache/mod.ts";
import type { CachedFile } from "../keycache/mod.ts";

/**
 * A group in which files are missing that can't be told yet to be gone; times of a clock that only
 * runs forward, in ms.
 */
export interface MissingGroup {
  /** The first look that did not find one of them. */
  readonly firstMs: number;
  /** The first look that counts; undefined if none does. */
  readonly sinceMs: number | undefined;
}

/**
 * Groups in which files are missing that can't be told yet to be gone.
 *
 * @param absences what is remembered of missing files
 * @param snapshot what the last look found
 * @returns by group (`component/directory`)
 */
export function missingGroups(
  absences: AbsenceHistory,
  snapshot: Snapshot<CachedFile>,
): Map<string, MissingGroup> {
  const groups = new Map<string, MissingGroup>();
  for (const [path, { firstMs, sinceMs }] of absences.missing) {
    if (snapshot.absence(path) !== "unsettled") continue;
    const group = groupOf(path);
    const other = groups.get(group);
    groups.set(group, {
      firstMs: Math.min(firstMs, other?.firstMs ?? Infinity),
      sinceMs: earliest(sinceMs, other?.sinceMs),
    });
  }
  return groups;
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? a ?? b : Math.min(a, b);
}
