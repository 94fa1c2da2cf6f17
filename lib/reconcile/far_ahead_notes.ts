import { farAhead, type HeldKey } from "../store/mod.ts";

/**
 * Tells of a component whose resourceVersions are far beyond those of all others.
 *
 * @param rows what is recorded, or would be
 * @returns one line, if there is one
 */
export function farAheadNotes(rows: ReadonlyMap<string, HeldKey>): string[] {
  const far = farAhead(rows);
  return far
    ? [
      `${far.component} has resourceVersions far beyond those of all others (${far.resourceVersion} ` +
      `at ${far.key}): while its files stand, nothing newer counts for their keys`,
    ]
    : [];
}
