const FIRST_MS = 250;

/** Pauses that double from try to try up to a limit, with jitter so that a pool does not march. */
export class Backoff {
  readonly #maxMs: number;
  readonly #random: () => number;
  #nextMs = FIRST_MS;

  /**
   * @param maxMs the longest pause
   * @param random a number from 0 to below 1
   */
  constructor(maxMs: number, random: () => number) {
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** The next pause in ms: between half and all of the current step. */
  next(): number {
    const stepMs = Math.min(this.#nextMs, this.#maxMs);
    this.#nextMs = Math.min(this.#nextMs * 2, this.#maxMs);
    return stepMs * (0.5 + this.#random() / 2);
  }

  /** It went well: the next pause is short again. */
  reset(): void {
    this.#nextMs = FIRST_MS;
  }
}
