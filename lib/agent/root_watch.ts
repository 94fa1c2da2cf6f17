import type { CacheWatch, WatchHint } from "../fscache/mod.ts";

/** How the cache root is watched. */
export interface RootWatchParts {
  /** Starts a watch; throws if it can't be watched. */
  watch(hint: (hint: WatchHint) => void): CacheWatch;
  /** Tells one root from another that took its place; empty if there is none. */
  identify(): string;
  /** Something may have changed in a group; undefined: anywhere. */
  changed(group: string | undefined): void;
  /** The watch was lost, for this reason; undefined: it works again. */
  failed(reason: string | undefined): void;
}

/** How often everything is looked at while the cache can't be watched. */
const UNWATCHED_MS = 30_000;

/**
 * Keeps a watch on the cache root: anew if the root was replaced (which no event tells of) or the
 * watch was lost, and has everything looked at now and then while there is none.
 */
export class RootWatch {
  readonly #parts: RootWatchParts;
  #watch: CacheWatch | undefined;
  #rootId = "";
  #failure: string | undefined;
  #lookAtMs = Infinity;

  /** @param parts what it works with */
  constructor(parts: RootWatchParts) {
    this.#parts = parts;
  }

  /**
   * Looks whether root and watch are as they were.
   *
   * @param nowMs a clock that only runs forward
   */
  check(nowMs: number): void {
    if (nowMs >= this.#lookAtMs) {
      this.#lookAtMs = nowMs + UNWATCHED_MS;
      this.#parts.changed(undefined);
    }
    const id = this.#parts.identify();
    if (id !== this.#rootId) {
      this.#rootId = id;
      this.#parts.changed(undefined);
      this.close();
    }
    if (id !== "" && !this.#watch) this.#start(nowMs);
  }

  /** Ends the watch. */
  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #start(nowMs: number): void {
    let watch: CacheWatch;
    try {
      watch = this.#parts.watch((hint) =>
        this.#parts.changed(hint.kind === "group" ? hint.group : undefined)
      );
    } catch (error) {
      this.#lookAtMs = Math.min(this.#lookAtMs, nowMs + UNWATCHED_MS);
      this.#fail(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#watch = watch;
    this.#lookAtMs = Infinity;
    // What changed while there was no watch was told to nobody.
    if (this.#failure !== undefined) this.#parts.changed(undefined);
    this.#fail(undefined);
    watch.ended.catch((error) => {
      if (this.#watch !== watch) return;
      this.close();
      this.#parts.changed(undefined);
      this.#fail(error instanceof Error ? error.message : String(error));
    });
  }

  #fail(reason: string | undefined): void {
    if (reason === this.#failure) return;
    this.#failure = reason;
    this.#parts.failed(reason);
  }
}
