import type { CacheWatch, WatchHint } from "../fscache/mod.ts";

/** How the cache root is watched. */
export interface RootWatchParts {
  /** Starts a watch; throws if it can't be watched. */
  watch(hint: (hint: WatchHint) => void): CacheWatch;
  /** Tells one root from another that took its place; empty if there is none. */
  identify(): string;
  /** Something may have changed in a group; undefined: anywhere. */
  changed(group: string | undefined): void;
  /** There is a root where there was none. */
  appeared(): void;
  /** The watch was lost, for this reason; undefined: it works again. */
  failed(reason: string | undefined): void;
}

/** How often directories are looked at: a watch tells nothing of a mount. */
const LOOK_MS = 1_000;
/** The same while there is no root. */
const MISSING_ROOT_MS = 250;
/** How often a watch that can't be had is tried. */
const RETRY_MS = 5_000;
/** How often everything is looked at meanwhile. */
const UNWATCHED_MS = 30_000;
/** A watch that is in doubt is begun anew, but not more often than this. */
const RENEW_MS = 500;

/**
 * Keeps a watch on the cache root: anew if the root is another or the watch was lost or is in
 * doubt, and has everything looked at now and then while there is none.
 */
export class RootWatch {
  readonly #parts: RootWatchParts;
  #watch: CacheWatch | undefined;
  #rootId = "";
  #failure: string | undefined;
  #inDoubt = false;
  #begunAtMs = -Infinity;
  #lookAtMs = -Infinity;
  /** When everything is looked at next while there is no watch. */
  #lookAtAllMs = Infinity;

  /** @param parts what it works with */
  constructor(parts: RootWatchParts) {
    this.#parts = parts;
  }

  /** When {@linkcode RootWatch.check} is due, in ms of its clock. */
  get checkAtMs(): number {
    return this.#inDoubt ? this.#begunAtMs + RENEW_MS : this.#lookAtMs;
  }

  /**
   * Looks whether root and watch are as they were, if that is due.
   *
   * @param nowMs a clock that only runs forward
   */
  async check(nowMs: number): Promise<void> {
    if (nowMs < this.checkAtMs) return;
    if (nowMs >= this.#lookAtAllMs) {
      this.#lookAtAllMs = nowMs + UNWATCHED_MS;
      this.#parts.changed(undefined);
    }
    const isOther = this.#parts.identify() !== this.#rootId;
    if (this.#watch?.findReplaced()) this.#inDoubt = true;
    if (isOther && this.#rootId === "") this.#parts.appeared();
    else if (isOther || this.#inDoubt) this.#parts.changed(undefined);
    if (isOther || this.#inDoubt || !this.#watch) await this.#renew(nowMs);
    else this.#lookAtMs = nowMs + LOOK_MS;
  }

  /**
   * Begins the watch anew before everything is looked at, whatever is known of it.
   *
   * @param nowMs a clock that only runs forward
   */
  async renew(nowMs: number): Promise<void> {
    if (!this.#watch || nowMs >= this.#begunAtMs + RENEW_MS) await this.#renew(nowMs);
  }

  /** Ends the watch. */
  async close(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    watch?.close();
    // A new one would stay on the old root as long as this has not ended.
    await watch?.ended.catch(() => {});
  }

  /** What changes before the new watch has begun is told to nobody: a look at all has to follow. */
  async #renew(nowMs: number): Promise<void> {
    await this.close();
    this.#inDoubt = false;
    this.#begunAtMs = nowMs;
    this.#rootId = this.#parts.identify();
    this.#lookAtMs = nowMs + MISSING_ROOT_MS;
    if (this.#rootId !== "") this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    let watch: CacheWatch;
    try {
      watch = this.#parts.watch((hint) => this.#take(hint));
    } catch (error) {
      this.#lookAtMs = nowMs + RETRY_MS;
      this.#lookAtAllMs = Math.min(this.#lookAtAllMs, nowMs + UNWATCHED_MS);
      this.#fail(reasonOf(error));
      return;
    }
    this.#watch = watch;
    this.#lookAtMs = nowMs + LOOK_MS;
    this.#lookAtAllMs = Infinity;
    // What changed while there was no watch was told to nobody.
    if (this.#failure !== undefined) this.#parts.changed(undefined);
    this.#fail(undefined);
    watch.ended.catch((error) => {
      if (this.#watch !== watch) return;
      this.#watch = undefined;
      watch.close();
      this.#inDoubt = true;
      this.#parts.changed(undefined);
      this.#fail(reasonOf(error));
    });
  }

  #take(hint: WatchHint): void {
    if (hint.kind === "doubt") this.#inDoubt = true;
    this.#parts.changed(hint.kind === "group" ? hint.group : undefined);
  }

  #fail(reason: string | undefined): void {
    if (reason === this.#failure) return;
    this.#failure = reason;
    this.#parts.failed(reason);
  }
}

/** Without the directory at which it stopped, which is another one at each try. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\.? about \[.*\]$/s, "");
}
