import type { AbsenceHistory, MissedLook } from "./absence_history.ts";
import type { Absence } from "./snapshot.ts";

/** The recorded files that a walk did not find. */
export interface MissingFiles {
  /** Canonical paths, by the directory that should hold them. */
  readonly byDirectory: ReadonlyMap<string, readonly string[]>;
  /** What a look that does not find a file of a component is noted with. */
  lookAt(component: string): MissedLook;
}

/**
 * Sorts out which recorded files a walk did not find, and brings what is remembered in step with it.
 *
 * @param recorded canonical paths of all files that are recorded
 * @param absenceOf what the walk alone says of a path; undefined: it did not find it
 * @param history what is remembered from scan to scan
 * @param atMs the time of this look, by a clock that only runs forward, in ms
 * @returns those that are missing
 */
export function missingFiles(
  recorded: ReadonlyMap<string, unknown>,
  absenceOf: (path: string) => Absence | undefined,
  history: AbsenceHistory,
  atMs: number,
): MissingFiles {
  for (const path of history.missing.keys()) if (!recorded.has(path)) history.forget(path);
  const byDirectory = new Map<string, string[]>();
  const rewriting: string[] = [];
  for (const path of recorded.keys()) {
    const absence = absenceOf(path);
    if (absence === "kept") history.forget(path);
    else if (absence === "rewriting") rewriting.push(path);
    else if (absence === undefined) {
      const directory = path.slice(0, path.lastIndexOf("/"));
      const files = byDirectory.get(directory);
      if (files) files.push(path);
      else byDirectory.set(directory, [path]);
    }
  }
  let standing: Map<string, number> | undefined;
  const lookAt = (component: string): MissedLook => {
    standing ??= standingByComponent(recorded.keys(), history);
    return { atMs, stoodBefore: standing.get(component) ?? 0 };
  };
  if (byDirectory.size > 0) lookAt("");
  for (const path of rewriting) history.lostSightOf(path, lookAt(componentOf(path)));
  return { byDirectory, lookAt };
}

function standingByComponent(
  recorded: Iterable<string>,
  history: AbsenceHistory,
): Map<string, number> {
  const standing = new Map<string, number>();
  for (const path of recorded) {
    if (history.missing.has(path)) continue;
    const component = componentOf(path);
    standing.set(component, (standing.get(component) ?? 0) + 1);
  }
  return standing;
}

function componentOf(path: string): string {
  return path.slice(0, path.indexOf("/"));
}
