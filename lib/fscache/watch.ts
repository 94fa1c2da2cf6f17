import { canonicalName } from "./layout.ts";

/**
 * What a watch tells: a hint where to look, never what happened there. `doubt`: something took a
 * directory's place, or events were lost, so that the watch may be on what is no more; it is to be
 * begun anew, and everything looked at.
 */
export type WatchHint =
  | { readonly kind: "group"; readonly group: string }
  | { readonly kind: "all" }
  | { readonly kind: "doubt" };

/** A watch over the fs cache. */
export interface CacheWatch {
  /** Ends when the watch was closed; rejects when it was lost (inotify's limit). */
  readonly ended: Promise<void>;
  /** Has it end. A new watch on the same root sees nothing unless this one has ended before. */
  close(): void;
}

/** Component, resource group and namespace: below these there are no directories. */
const DIRECTORY_LEVELS = 3;

/**
 * Watches the fs cache. Events can be lost (an overflow, files in directories that were just
 * made), so a hint only says where to look again, and a full look comes now and then in any case.
 * Nothing tells of a mount; see {@linkcode identifyRoot}.
 *
 * @param root the cache root
 * @param hint told which group (`component/directory`) to look at, or everything
 * @returns the watch, which has begun
 * @throws {Error} if it can't be watched, as when inotify's limit is reached
 */
export function watchCache(root: string, hint: (hint: WatchHint) => void): CacheWatch {
  const real = Deno.realPathSync(root);
  const watcher = Deno.watchFs(real, { recursive: true });
  return { ended: follow(watcher, real, hint), close: () => watcher.close() };
}

async function follow(
  watcher: Deno.FsWatcher,
  root: string,
  hint: (hint: WatchHint) => void,
): Promise<void> {
  for await (const event of watcher) {
    if (event.kind === "access") continue;
    // An overflow: directories that were made meanwhile are not watched.
    if (event.flag === "rescan" || event.paths.length === 0) hint({ kind: "doubt" });
    const hasLeft = event.kind === "remove" || event.kind === "rename";
    for (const path of event.paths) {
      const segments = path.slice(root.length + 1).split("/");
      hint(hasLeft && isReplaced(root, path, segments) ? { kind: "doubt" } : hintOf(segments));
    }
  }
}

/**
 * Tells whether what an event says has left its place is the root, or a directory in whose place
 * another stands. The end of the old one then ends the watch on the new one as well.
 */
function isReplaced(root: string, path: string, segments: readonly string[]): boolean {
  if (path === root) return true;
  if (segments.length > DIRECTORY_LEVELS) return false;
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** The group that a path is in; a path above the groups concerns everything. */
function hintOf([component, directory]: readonly string[]): WatchHint {
  if (!component || !directory) return { kind: "all" };
  return { kind: "group", group: `${component}/${canonicalName(directory)}` };
}
