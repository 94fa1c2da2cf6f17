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
/** How often what is not watched is looked at meanwhile. */
const UNWATCHED_MS = 30_000;
/** The same of everything, once a watch tells nothing any more. */
const STUCK_MS = 5_000;
const ALL: WatchHint = { kind: "all" };
/** How often a watch is asked whether it still tells anything. */
const ASK_MS = 5_000;
const STUCK =
  "the kernel's messages no longer come; is there a FIFO in it? Remove what is neither " +
  "file nor directory, and restart edgekeyd";
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
  /** The watch was lost, or could not be had. */
  #isLost = false;
  /** It tells nothing any more, and who touches it waits for ever. */
  #isStuck = false;
  #askAtMs = -Infinity;
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
    const unwatched = this.#watch?.unwatched;
    if (nowMs >= this.#lookAtAllMs) {
      this.#lookAtAllMs = nowMs + (this.#isStuck ? STUCK_MS : UNWATCHED_MS);
      for (const hint of unwatched?.hints ?? [ALL]) this.#take(hint);
    }
    const isOther = this.#parts.identify() !== this.#rootId;
    if (this.#watch?.findReplaced()) this.#inDoubt = true;
    if (isOther && this.#rootId === "") this.#parts.appeared();
    else if (isOther || this.#inDoubt) this.#parts.changed(undefined);
    if (this.#watch && nowMs >= this.#askAtMs) {
      this.#askAtMs = nowMs + ASK_MS;
      await this.#ask(this.#watch, nowMs);
    }
    if (isOther || this.#inDoubt || !this.#watch) await this.#renew(nowMs);
    else {
      this.#lookAtMs = nowMs + LOOK_MS;
      this.#judge(this.#watch, nowMs);
    }
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
    if (this.#watch) await this.#ask(this.#watch, this.#begunAtMs);
    const watch = this.#watch;
    this.#watch = undefined;
    watch?.close();
    // A new one would stay on the old root as long as this has not ended.
    await watch?.ended.catch(() => {});
  }

  async #ask(watch: CacheWatch, nowMs: number): Promise<void> {
    if (!watch.answers || (await watch.answers()) || this.#watch !== watch) return;
    this.#watch = undefined;
    this.#isStuck = true;
    this.#lookAtAllMs = nowMs + STUCK_MS;
    this.#parts.changed(undefined);
    this.#fail(STUCK);
  }

  /** What changes before the new watch has begun is told to nobody: a look at all has to follow. */
  async #renew(nowMs: number): Promise<void> {
    await this.close();
    this.#inDoubt = false;
    this.#begunAtMs = nowMs;
    this.#rootId = this.#parts.identify();
    this.#lookAtMs = nowMs + MISSING_ROOT_MS;
    if (this.#isStuck) this.#lookAtMs = nowMs + RETRY_MS;
    else if (this.#rootId !== "") this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    let watch: CacheWatch;
    try {
      watch = this.#parts.watch((hint) => this.#take(hint));
    } catch (error) {
      this.#isLost = true;
      this.#lookAtMs = nowMs + RETRY_MS;
      this.#lookAtAllMs = Math.min(this.#lookAtAllMs, nowMs + UNWATCHED_MS);
      this.#fail(reasonOf(error));
      return;
    }
    this.#watch = watch;
    this.#lookAtMs = nowMs + LOOK_MS;
    // What changed while there was no watch was told to nobody.
    if (this.#isLost) this.#parts.changed(undefined);
    this.#isLost = false;
    this.#judge(watch, nowMs);
    watch.ended.catch((error) => {
      if (this.#watch !== watch) return;
      this.#watch = undefined;
      watch.close();
      this.#isLost = true;
      this.#inDoubt = true;
      this.#parts.changed(undefined);
      this.#fail(reasonOf(error));
    });
  }

  /** What a watch does not see is looked at now and then. */
  #judge({ unwatched }: CacheWatch, nowMs: number): void {
    this.#lookAtAllMs = unwatched ? Math.min(this.#lookAtAllMs, nowMs + UNWATCHED_MS) : Infinity;
    this.#fail(unwatched && reasonOf(unwatched.reason));
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
