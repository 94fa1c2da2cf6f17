import { TooManyRequestsError } from "./api_error.ts";

/** How many requests are let in. */
export interface OpenRequestsLimits {
  /** Those that are worked on at once. */
  readonly maxOpen: number;
  /** Those that wait until one of these is done. */
  readonly maxWaiting: number;
  /** How long one waits, in ms. */
  readonly waitMs: number;
}

/** The requests that are worked on. Where there is no room, one more waits a moment for it. */
export class OpenRequests {
  readonly #limits: OpenRequestsLimits;
  /** Each lets one in; the one that has waited longest first. */
  readonly #waiting = new Set<() => void>();
  #open = 0;

  /** @param limits how many are let in */
  constructor(limits: OpenRequestsLimits) {
    this.#limits = limits;
  }

  /**
   * Lets one more in.
   *
   * @throws {TooManyRequestsError} if too many wait already, or none was done in time
   */
  async enter(): Promise<void> {
    const { maxOpen, maxWaiting, waitMs } = this.#limits;
    if (this.#open < maxOpen) {
      this.#open++;
      return;
    }
    const refusal = new TooManyRequestsError(`${maxOpen} requests are open; try again later`);
    if (this.#waiting.size >= maxWaiting) throw refusal;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(refusal), waitMs);
    this.#waiting.add(resolve);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(resolve);
    }
  }

  /** One is done: its place goes to the one that has waited longest. */
  leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#open--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
