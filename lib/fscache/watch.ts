import { DirectoryWatches } from "./directory_watches.ts";
import { canonicalName } from "./layout.ts";
import { MAX_DIRECTORIES_OF_COMPONENT, WatchedDirectories } from "./watched_directories.ts";
import { WatchProbe } from "./watch_probe.ts";

/**
 * What a watch tells: a hint where to look, never what happened there. `doubt`: something took a
 * directory's place, or events were lost, so that the watch may be on what is no more; it is to be
 * begun anew, and everything looked at.
 */
export type WatchHint =
  | { readonly kind: "group"; readonly group: string }
  | { readonly kind: "all" }
  | { readonly kind: "doubt" };

/** What of a cache is not watched. */
export interface Unwatched {
  /** Why the first of it is not. */
  readonly reason: string;
  /** Where to look instead, now and then. */
  readonly hints: readonly WatchHint[];
}

/** A watch over the fs cache. */
export interface CacheWatch {
  /** Ends when the watch was closed; rejects when it was lost. */
  readonly ended: Promise<void>;
  /** What is not watched (inotify's limit, too many directories); undefined if all is. */
  readonly unwatched?: Unwatched | undefined;
  /**
   * Looks at some of its directories, others each time.
   *
   * @returns true if another stands in the place of one, as after a mount, of which no event tells
   */
  findReplaced(): boolean;
  /**
   * Asks whether it still tells anything. If not, neither it nor a new one must be touched.
   *
   * @returns false if it does not
   */
  answers?(): Promise<boolean>;
  /** Has it end. A new watch on the same root sees nothing unless this one has ended before. */
  close(): void;
}

/** So many new directories are watched in one go. */
const AT_ONCE = 8;
/** Where more groups than this are not watched, everything is looked at. */
const MAX_HINTS = 64;

/**
 * Watches the real directories of the fs cache, and nothing that a link in it leads to. Events can be
 * lost (an overflow, files in directories that were just made), so a hint only says where to look
 * again, and a full look comes now and then in any case.
 *
 * @param root the cache root
 * @param hint told which group (`component/directory`) to look at, or everything
 * @param probeFile a file of ours that may be touched; without one nobody can tell whether the watch
 * still tells anything
 * @returns the watch, which has begun
 * @throws {Error} if the root can't be watched, as when inotify's limit is reached
 */
export function watchCache(
  root: string,
  hint: (hint: WatchHint) => void,
  probeFile?: string,
): CacheWatch {
  const real = Deno.realPathSync(root);
  // Noted first: what takes the place of one before the watch is on it is found then.
  const directories = new WatchedDirectories(real);
  const watchAll = (paths: readonly string[]) => {
    // What is made in a directory after it was listed and before it is watched is told to nobody.
    for (let fresh = paths; fresh.length > 0; fresh = directories.overtaken(fresh)) {
      for (const path of fresh) if (!directories.special.has(path)) watches.add(path);
    }
  };
  const probe = probeFile === undefined ? undefined : new WatchProbe(probeFile);
  const answers = () => probe?.answers() ?? Promise.resolve(true);
  // Deno counts watches by path: where a directory was watched, another one would not be.
  const tell = (path: string, isReplaced = false) => {
    const isInDoubt = isReplaced || directories.isRemade;
    hint(isInDoubt ? { kind: "doubt" } : hintOf(path.slice(real.length + 1)));
  };
  const made: string[] = [];
  let isAsking = false;
  // Beside a FIFO a new directory can be made, too: so it is asked before each is watched.
  const watchMade = async () => {
    if (isAsking) return;
    isAsking = true;
    while (made.length > 0 && await answers()) {
      const fresh = made.splice(0, AT_ONCE);
      if (directories.hasNewSpecial(fresh)) {
        made.length = 0;
        hint({ kind: "doubt" });
        break;
      }
      watchAll(fresh);
      // What was written there before it was watched was told to nobody.
      for (const path of fresh) tell(path);
    }
    isAsking = false;
  };
  const ordinary = directories.paths.filter((path) => !directories.special.has(path));
  const watches = new DirectoryWatches(real, ordinary, probe?.path, {
    take(event) {
      if (event.paths.some((path) => probe?.take(path)) || event.kind === "access") return;
      // An overflow: directories that were made meanwhile are not watched.
      if (event.flag === "rescan" || event.paths.length === 0) hint({ kind: "doubt" });
      const hasLeft = event.kind === "remove" || event.kind === "rename";
      for (const path of event.paths) {
        made.push(...directories.note(path));
        tell(path, hasLeft && (path === real || directories.has(path)));
      }
      watchMade();
    },
    crowded: () => hint({ kind: "doubt" }),
  });
  watchAll(directories.overtaken(directories.paths));
  return {
    ended: watches.ended,
    get unwatched() {
      return unwatchedOf(real, directories, watches);
    },
    findReplaced: () => directories.findReplaced(),
    answers,
    close() {
      probe?.close();
      watches.close();
    },
  };
}

function unwatchedOf(
  root: string,
  { special, tooMany }: WatchedDirectories,
  { failed, failure }: DirectoryWatches,
): Unwatched | undefined {
  const [component] = tooMany;
  const [strange] = special;
  const reason = component === undefined
    ? failure ?? (strange && `${strange} has a FIFO, socket or device in it`)
    : `${component} has more than ${MAX_DIRECTORIES_OF_COMPONENT} directories, or very many files in one`;
  if (reason === undefined) return undefined;
  const hints = new Map<string, WatchHint>();
  for (const path of [...failed, ...special]) {
    const hint = hintOf(path.slice(root.length + 1));
    hints.set(hint.kind === "group" ? hint.group : "", hint);
    if (hints.size > MAX_HINTS) break;
  }
  const all = tooMany.size > 0 || hints.size > MAX_HINTS || hints.has("");
  return { reason, hints: all ? [{ kind: "all" }] : [...hints.values()] };
}

/** The group that a path below the root is in; a path above the groups concerns everything. */
function hintOf(path: string): WatchHint {
  const [component, directory] = path.split("/");
  if (!component || !directory) return { kind: "all" };
  return { kind: "group", group: `${component}/${canonicalName(directory)}` };
}
