/** So many directories are watched each by itself, until all are watched together again. */
const MAX_SINGLE = 64;

/** What a watch on directories tells. */
export interface WatchParts {
  /** Something happened. */
  take(event: Deno.FsEvent): void;
  /** Too many directories are watched each by itself. */
  crowded(): void;
}

/**
 * Watches directories, each by itself: a recursive watch of Deno's follows links, out of the cache
 * and through all of what they lead to.
 *
 * Deno asks of each event whether it is in a directory of each watch, in turn. So they are watched
 * together, the root first, where every event is found to be at once; and one by one only what was
 * made since. All of Deno's watches share one inotify instance.
 */
export class DirectoryWatches {
  readonly #parts: WatchParts;
  readonly #watchers = new Set<Deno.FsWatcher>();
  readonly #failed = new Set<string>();
  readonly #end = Promise.withResolvers<void>();
  #failure: string | undefined;
  #open = true;

  /**
   * Begins.
   *
   * @param root the real path of the root
   * @param directories those below it
   * @param probe a file to be watched as well
   * @param parts told what happens
   * @throws {Error} if the root can't be watched
   */
  constructor(
    root: string,
    directories: Iterable<string>,
    probe: string | undefined,
    parts: WatchParts,
  ) {
    this.#parts = parts;
    // Each is tried by itself: a watch that fails over one of many leaves the others watched, and
    // nobody could end that.
    const tried = [Deno.watchFs(root, { recursive: false })];
    const watched = [root];
    for (const directory of [...(probe === undefined ? [] : [probe]), ...directories]) {
      const watcher = this.#try(directory);
      if (watcher === undefined) continue;
      tried.push(watcher);
      watched.push(directory);
    }
    try {
      this.#follow(Deno.watchFs(watched, { recursive: false }));
    } finally {
      for (const watcher of tried) watcher.close();
    }
  }

  /** Ends when it was closed; rejects when a watch was lost. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  /** Directories that can't be watched. */
  get failed(): ReadonlySet<string> {
    return this.#failed;
  }

  /** Why the first of them can't. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /**
   * Watches one more.
   *
   * @param directory the directory
   */
  add(directory: string): void {
    const watcher = this.#open ? this.#try(directory) : undefined;
    if (watcher === undefined) return;
    this.#follow(watcher);
    if (this.#watchers.size > MAX_SINGLE) this.#parts.crowded();
  }

  /** Ends all. */
  close(): void {
    this.#open = false;
    for (const watcher of this.#watchers) watcher.close();
    if (this.#watchers.size === 0) this.#end.resolve();
  }

  #try(directory: string): Deno.FsWatcher | undefined {
    try {
      return Deno.watchFs(directory, { recursive: false });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // What is gone need not be watched.
      if (error instanceof Deno.errors.NotFound) return undefined;
      this.#failed.add(directory);
      this.#failure ??= error.message;
      return undefined;
    }
  }

  #follow(watcher: Deno.FsWatcher): void {
    this.#watchers.add(watcher);
    const follow = async () => {
      for await (const event of watcher) this.#parts.take(event);
    };
    follow().then(() => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#end.resolve();
    }, (error) => this.#end.reject(error));
  }
}
