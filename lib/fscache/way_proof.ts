import { CLOCK_TICK_MS, CTIME_MS } from "./stamps.ts";

/** Each is a guess that has to come true: all of them do once in 2^32 tries, which takes days. */
const LOOKS = 32;

/**
 * Names the directories on the way to a file.
 *
 * @param root the cache root, which is trusted, as all above it
 * @param path the file
 * @returns the component's directory first, last the one that holds the file; none if it is not
 * below the root
 */
export function directoriesTo(root: string, path: string): string[] {
  const directories: string[] = [];
  if (!path.startsWith(`${root}/`)) return directories;
  for (let end = path.indexOf("/", root.length + 1); end >= 0; end = path.indexOf("/", end + 1)) {
    directories.push(path.slice(0, end));
  }
  return directories;
}

/**
 * Proves that the way to a file is one of directories alone, and has been since a moment. What is
 * exchanged in a directory gives that a new ctime, which nobody can set. The deepest is looked at
 * first: what it was reached by is known to have stood still by then.
 *
 * @param directories those on the way; what holds the file may change, for a file is opened without
 * following a link
 * @param sinceMs wall clock, ms since the epoch
 * @returns true if that is proven
 * @throws {Deno.errors.NotFound} if one is not there
 */
export function haveRested(directories: readonly string[], sinceMs: number): boolean {
  return directories.toReversed().every((path, above) => {
    const { isDirectory, ctime } = Deno.lstatSync(path);
    return isDirectory && (above === 0 || (ctime !== null &&
      ctime.getTime() + CTIME_MS + CLOCK_TICK_MS <= sinceMs));
  });
}

/**
 * Proves that an open file stands at its path, while directories on the way are too young to tell.
 * Who has a link in place as the file is looked at, and the directory as that is, would have to
 * guess each time which of them comes next. So no link is there, or it is found.
 *
 * @param directories those on the way
 * @param path the file
 * @param opened of the file that was opened
 * @returns true if that is proven
 * @throws {Deno.errors.NotFound} if one of them is not there
 */
export function standsAt(
  directories: readonly string[],
  path: string,
  opened: { readonly dev: number; readonly ino: number },
): boolean {
  // The component's own directory stands in the root, which is not the component's to change.
  const [, ...below] = directories;
  for (const byte of crypto.getRandomValues(new Uint8Array(LOOKS))) {
    if (byte < 128) {
      const { dev, ino } = Deno.lstatSync(path);
      if (dev !== opened.dev || ino !== opened.ino) return false;
    } else if (!below.every((directory) => Deno.lstatSync(directory).isDirectory)) {
      return false;
    }
  }
  return true;
}
