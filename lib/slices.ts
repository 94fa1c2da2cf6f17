import type { Clock } from "./clock.ts";

/** The work that is done in one go: short enough for a timer or a request to wait for. */
const SLICE_MS = 10;
/** A look at the clock is not free: most asks are answered without one. */
const ASKS_PER_LOOK = 8;

/** Cuts synchronous work into slices, so that the event loop runs between them. */
export class Slices {
  readonly #clock: Pick<Clock, "monotonicMs" | "pause">;
  #startedMs: number;
  #asks = 0;

  /**
   * Begins the first slice.
   *
   * @param clock tells how long a slice has taken, and lets the event loop run
   */
  constructor(clock: Pick<Clock, "monotonicMs" | "pause">) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /**
   * Asked after each small piece of work.
   *
   * @returns true once a slice's time is used up; then the caller awaits {@linkcode Slices.pause}
   */
  isOver(): boolean {
    this.#asks++;
    return this.#asks % ASKS_PER_LOOK === 0 &&
      this.#clock.monotonicMs() - this.#startedMs >= SLICE_MS;
  }

  /** Ends a slice and begins the next. */
  async pause(): Promise<void> {
    await this.#clock.pause();
    this.#startedMs = this.#clock.monotonicMs();
  }
}
