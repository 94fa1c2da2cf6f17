import type { AgentClock } from "./agent_clock.ts";

/** A sleep that others can end; one at a time. */
export class Nap {
  readonly #clock: Pick<AgentClock, "alarm">;
  #wake: () => void = () => {};

  /** @param clock rings when it is over */
  constructor(clock: Pick<AgentClock, "alarm">) {
    this.#clock = clock;
  }

  /**
   * Sleeps.
   *
   * @param ms how long at the most; infinite: until it is woken
   */
  async sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const callOff = Number.isFinite(ms) ? this.#clock.alarm(ms, resolve) : () => {};
    await promise;
    callOff();
    this.#wake = () => {};
  }

  /** Ends the sleep, if there is one. */
  wake(): void {
    this.#wake();
  }
}
