/** The work that is done in one go: short enough for a timer or a request to wait for. */
const SLICE_MS = 10;
/** A look at the clock is not free: most asks are answered without one. */
const ASKS_PER_LOOK = 8;

/** Cuts synchronous work into slices, so that the event loop runs between them. */
export class Slices {
  readonly #monotonicMs: () => number;
  readonly #pause: () => Promise<void>;
  #startedMs: number;
  #asks = 0;

  /**
   * Begins the first slice.
   *
   * @param monotonicMs a clock that only runs forward
   * @param pause lets the event loop run
   */
  constructor(monotonicMs: () => number, pause: () => Promise<void>) {
    this.#monotonicMs = monotonicMs;
    this.#pause = pause;
    this.#startedMs = monotonicMs();
  }

  /**
   * Asked after each small piece of work.
   *
   * @returns true once a slice's time is used up; then the caller awaits {@linkcode Slices.pause}
   */
  isOver(): boolean {
    this.#asks++;
    return this.#asks % ASKS_PER_LOOK === 0 &&
      this.#monotonicMs() - this.#startedMs >= SLICE_MS;
  }

  /** Ends a slice and begins the next. */
  async pause(): Promise<void> {
    await this.#pause();
    this.#startedMs = this.#monotonicMs();
  }
}
