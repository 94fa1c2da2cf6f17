import { canonicalName } from "./layout.ts";
import { WatchedDirectories } from "./watched_directories.ts";

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
  /**
   * Looks at some of its directories, others each time.
   *
   * @returns true if another stands in the place of one, as after a mount, of which no event tells
   */
  findReplaced(): boolean;
  /** Has it end. A new watch on the same root sees nothing unless this one has ended before. */
  close(): void;
}

/**
 * Watches the fs cache. Events can be lost (an overflow, files in directories that were just
 * made), so a hint only says where to look again, and a full look comes now and then in any case.
 *
 * @param root the cache root
 * @param hint told which group (`component/directory`) to look at, or everything
 * @returns the watch, which has begun
 * @throws {Error} if it can't be watched, as when inotify's limit is reached
 */
export function watchCache(root: string, hint: (hint: WatchHint) => void): CacheWatch {
  const real = Deno.realPathSync(root);
  // Noted first: what takes the place of one before the watch is on it is found then.
  const directories = new WatchedDirectories(real);
  const watcher = Deno.watchFs(real, { recursive: true });
  return {
    ended: follow(watcher, real, directories, hint),
    findReplaced: () => directories.findReplaced(),
    close: () => watcher.close(),
  };
}

async function follow(
  watcher: Deno.FsWatcher,
  root: string,
  directories: WatchedDirectories,
  hint: (hint: WatchHint) => void,
): Promise<void> {
  for await (const event of watcher) {
    if (event.kind === "access") continue;
    // An overflow: directories that were made meanwhile are not watched.
    if (event.flag === "rescan" || event.paths.length === 0) hint({ kind: "doubt" });
    const hasLeft = event.kind === "remove" || event.kind === "rename";
    for (const path of event.paths) {
      directories.note(path);
      const isReplaced = hasLeft && (path === root || directories.has(path));
      hint(isReplaced ? { kind: "doubt" } : hintOf(path.slice(root.length + 1)));
    }
  }
}

/** The group that a path below the root is in; a path above the groups concerns everything. */
function hintOf(path: string): WatchHint {
  const [component, directory] = path.split("/");
  if (!component || !directory) return { kind: "all" };
  return { kind: "group", group: `${component}/${canonicalName(directory)}` };
}
