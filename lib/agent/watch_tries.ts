import { Backoff } from "./backoff.ts";

/** How often the fence is read while there is no watch. */
const UNWATCHED_MS = 5_000;
/** How often a watch is tried that etcd refuses. */
const REFUSED_MS = 60_000;
/** A watch that breaks sooner is begun anew after a pause, longer each time. */
const STEADY_MS = 10_000;

/** When a watch of etcd is tried. All times are of a clock that only runs forward, in ms. */
export class WatchTries {
  readonly #restless: Backoff;
  /** No watch is tried before. */
  #dueMs = -Infinity;

  /** @param random a number from 0 to below 1 */
  constructor(random: () => number) {
    this.#restless = new Backoff(REFUSED_MS, random);
  }

  /** Tells whether one may be tried. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  /** Etcd answers, but lets nobody watch. */
  refused(nowMs: number): void {
    this.#dueMs = nowMs + REFUSED_MS;
  }

  /** A watch has ended that was begun then. */
  ended(begunAtMs: number, nowMs: number): void {
    if (nowMs - begunAtMs >= STEADY_MS) this.#restless.reset();
    else this.#dueMs = nowMs + this.#restless.next();
  }

  /** How long until etcd is asked again while there is no watch. */
  pauseMs(nowMs: number): number {
    const untilMs = this.#dueMs - nowMs;
    return untilMs > 0 ? Math.min(untilMs, UNWATCHED_MS) : UNWATCHED_MS;
  }
}
