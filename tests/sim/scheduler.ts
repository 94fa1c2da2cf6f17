import type { Prng } from "./prng.ts";

interface Parked {
  readonly task: string;
  readonly resume: () => void;
}

/**
 * Runs several tasks by turns, one at a time: a task runs until it parks, then chance picks who
 * goes on. No timer and no I/O is behind any await of a run, so that the order is the seed's.
 */
export class Scheduler {
  readonly #prng: Prng;
  readonly #betweenTurns: () => void;
  #parked: Parked[] = [];
  #wake: (() => void) | undefined;

  /**
   * @param prng picks who goes on
   * @param betweenTurns what else happens in the world meanwhile
   */
  constructor(prng: Prng, betweenTurns: () => void) {
    this.#prng = prng;
    this.#betweenTurns = betweenTurns;
  }

  /** Called by a task: lets the others, and the world, go on. */
  park(task: string): Promise<void> {
    return new Promise((resolve) => {
      this.#parked.push({ task, resume: resolve });
      this.#wake?.();
    });
  }

  /**
   * Runs tasks until all have ended.
   *
   * @param tasks what to run, by name
   * @throws what the first task throws, or the world; the other tasks are left where they are
   */
  async run(tasks: ReadonlyMap<string, () => Promise<void>>): Promise<void> {
    this.#parked = [];
    let running = tasks.size;
    let failed = false;
    let failure: unknown;
    for (const [name, task] of tasks) {
      this.park(name).then(task).catch((error: unknown) => {
        failed = true;
        failure = error;
      }).then(() => {
        running--;
        this.#wake?.();
      });
    }
    while (running > 0) {
      if (failed) throw failure;
      this.#betweenTurns();
      const index = this.#prng.below(this.#parked.length);
      const [next] = this.#parked.splice(index, 1);
      if (!next) throw new Error("every task waits for something that is not the scheduler");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        next.resume();
      });
    }
    if (failed) throw failure;
  }
}
