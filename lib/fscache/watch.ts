import { canonicalName } from "./layout.ts";

/** What a watch tells: a hint where to look, never what happened there. */
export type WatchHint =
  | { readonly kind: "group"; readonly group: string }
  | { readonly kind: "all" };

/** A watch over the fs cache. */
export interface CacheWatch {
  /** Ends when the watch was closed; rejects when it was lost (`inotify` limit, overflow, root). */
  readonly ended: Promise<void>;
  /** Ends the watch. */
  close(): void;
}

/**
 * Watches the fs cache. Events can be lost (an overflow, files in directories that were just
 * made), so a hint only says where to look again, and a full look comes now and then in any case.
 *
 * @param root the cache root
 * @param hint told which group (`component/directory`) to look at, or everything
 * @throws {Error} if it can't be watched, as when the inotify limit is reached
 */
export function watchCache(root: string, hint: (hint: WatchHint) => void): CacheWatch {
  const real = Deno.realPathSync(root);
  const watcher = Deno.watchFs(real, { recursive: true });
  return { ended: follow(watcher, real, hint), close: () => watcher.close() };
}

/**
 * Tells one cache root from another that took its place, which no event tells of.
 *
 * @param root the cache root
 * @returns empty if there is none
 */
export function identifyRoot(root: string): string {
  try {
    const { dev, ino } = Deno.statSync(root);
    return `${dev}:${ino}`;
  } catch {
    return "";
  }
}

async function follow(
  watcher: Deno.FsWatcher,
  root: string,
  hint: (hint: WatchHint) => void,
): Promise<void> {
  for await (const event of watcher) {
    if (event.kind === "access") continue;
    if (event.flag === "rescan" || event.paths.length === 0) hint({ kind: "all" });
    for (const path of event.paths) hint(hintOf(root, path));
  }
}

/** The group that a path is in; a path above the groups concerns everything. */
function hintOf(root: string, path: string): WatchHint {
  const [component, directory] = path.slice(root.length + 1).split("/");
  if (!component || !directory) return { kind: "all" };
  return { kind: "group", group: `${component}/${canonicalName(directory)}` };
}
