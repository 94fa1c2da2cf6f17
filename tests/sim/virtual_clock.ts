const START_MS = 1_750_000_000_000;

/** The time of a run. It moves only when the simulator moves it. */
export class VirtualClock {
  #monotonicMs = 0;
  #wallOffsetMs = START_MS;
  #setMs = -Infinity;

  /** Wall clock, ms since the epoch. */
  get nowMs(): number {
    return this.#monotonicMs + this.#wallOffsetMs;
  }

  /** Runs only forward. */
  get monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** When the wall clock was last set, by the clock that only runs forward. */
  get setMs(): number {
    return this.#setMs;
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.#monotonicMs += ms;
  }

  /** Sets the wall clock forward or back, as an edge node's does when it finds its time server. */
  jump(ms: number): void {
    this.#wallOffsetMs += ms;
    this.#setMs = this.#monotonicMs;
  }
}
