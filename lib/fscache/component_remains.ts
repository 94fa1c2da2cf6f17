import { join } from "@std/path";

/** What is left of a component in the fs cache. */
export interface ComponentRemains {
  /** Where its directory is, or was. */
  readonly directory: string;
  /**
   * `gone`: no directory is there; `empty`: one without any file in it, however deep; `filled`: one
   * with files.
   */
  readonly kind: "gone" | "empty" | "filled";
}

/** `<gvr>/<namespace>/<name>` is the deepest that a file can be. */
const MAX_DEPTH = 3;
/** More directories without a file than this are not looked into. */
const MAX_DIRECTORIES = 1_000;

/**
 * Looks, now, what is left of a component.
 *
 * @param root the root of the fs cache
 * @param component its name
 * @returns undefined if it can't be told
 */
export function componentRemains(root: string, component: string): ComponentRemains | undefined {
  const directory = join(root, component);
  try {
    if (!Deno.lstatSync(directory).isDirectory) return { directory, kind: "gone" };
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    return isGone ? { directory, kind: "gone" } : undefined;
  }
  try {
    const found = hasFile(directory, MAX_DEPTH, { directories: MAX_DIRECTORIES });
    return found === undefined ? undefined : { directory, kind: found ? "filled" : "empty" };
  } catch (error) {
    // What went away while it was looked at says nothing of the rest.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Undefined if there are too many directories to tell. */
function hasFile(
  directory: string,
  depth: number,
  budget: { directories: number },
): boolean | undefined {
  if (budget.directories-- === 0) return undefined;
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (!isDirectory || depth === 0) return true;
    const found = hasFile(join(directory, name), depth - 1, budget);
    if (found !== false) return found;
  }
  return false;
}
