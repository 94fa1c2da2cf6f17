import { EdgekeydError } from "../errors.ts";
import { CacheRootError, type FileSystem, namesInRoot } from "../fscache/mod.ts";
import { nearestName } from "../nearest_name.ts";

/** At most so many names are told. */
const MAX_NAMES = 20;

/**
 * Refuses a component that never was: most likely a slip, after which nothing would seem to be held.
 *
 * @param component its name
 * @param known the names of those that hold keys, did once, or stand in the fs cache
 * @throws {EdgekeydError} `NotFound` if it is none of them; with the nearest name, or those that
 * there are
 */
export function checkKnown(component: string, known: readonly string[]): void {
  if (known.includes(component)) return;
  const nearest = nearestName(component, known);
  throw new EdgekeydError(
    "NotFound",
    `this node never had a component ${component}; ` +
      (nearest === undefined ? thereAre(known) : `did you mean ${nearest}?`),
  );
}

/** What there is, as far as it is told. */
function thereAre(names: readonly string[]): string {
  if (names.length === 0) return "there is none yet";
  const more = names.length > MAX_NAMES ? ", …" : "";
  return `there are ${names.slice(0, MAX_NAMES).join(", ")}${more}`;
}

/**
 * The names of all components that are known, in order.
 *
 * @param remembered those that hold keys, or did once
 * @param source the fs cache, for those that stand in it; none if it can't be listed
 */
export function knownNames(
  remembered: Iterable<string>,
  { fs, root }: { readonly fs: FileSystem; readonly root: string },
): string[] {
  return [...new Set([...remembered, ...namesIn(fs, root)])].sort();
}

function namesIn(fs: FileSystem, root: string): Iterable<string> {
  try {
    return namesInRoot(fs, root);
  } catch (error) {
    if (error instanceof CacheRootError) return [];
    throw error;
  }
}
