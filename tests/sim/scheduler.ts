import { setImmediate } from "node:timers";
import type { Prng } from "./prng.ts";
import type { VirtualClock } from "./virtual_clock.ts";

interface Alarm {
  readonly atMs: number;
  readonly ring: () => void;
}

/** More turns than any round takes: something goes round and round. */
const MAX_TURNS = 200_000;

/**
 * Runs several tasks by turns, one at a time: a task runs until it parks or waits for an alarm,
 * then chance picks who goes on. If nobody is left to go on, time passes up to the next alarm. No
 * timer and no I/O is behind any await of a run, so that the order is the seed's.
 */
export class Scheduler {
  readonly #prng: Prng;
  readonly #clock: VirtualClock;
  readonly #betweenTurns: () => void;
  readonly #parked: (() => void)[] = [];
  /** In the order in which they were set. */
  readonly #alarms = new Set<Alarm>();
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param prng picks who goes on
   * @param clock time
   * @param betweenTurns what else happens in the world meanwhile
   */
  constructor(prng: Prng, clock: VirtualClock, betweenTurns: () => void) {
    this.#prng = prng;
    this.#clock = clock;
    this.#betweenTurns = betweenTurns;
  }

  /** Called by a task: lets the others, and the world, go on. */
  park(): Promise<void> {
    return new Promise((resolve) => this.#parked.push(resolve));
  }

  /** Has something called once so many ms have passed. @returns calls it off */
  alarm(ms: number, ring: () => void): () => void {
    const alarm = { atMs: this.#clock.monotonicMs + ms, ring };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Resolves once so many ms have passed. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.alarm(ms, resolve));
  }

  /** Something has failed that no task waits for: the run ends with that. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /**
   * Runs tasks until all have ended. Whatever else goes on meanwhile stays where it is then, until
   * the next run.
   *
   * @param tasks what to run
   * @throws what the first task throws, or the world; the other tasks are left where they are
   */
  async run(tasks: Iterable<() => Promise<void>>): Promise<void> {
    let running = 0;
    for (const task of tasks) {
      running++;
      this.park().then(task).catch((error: unknown) => this.fail(error)).then(() => running--);
    }
    for (let turn = 0; running > 0; turn++) {
      if (turn === MAX_TURNS) throw new Error("the tasks of a round do not end");
      this.#betweenTurns();
      this.#goOn();
      // Until nobody can do anything more by itself.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#failure) throw this.#failure.error;
    }
  }

  #goOn(): void {
    const due = [...this.#alarms].filter(({ atMs }) => atMs <= this.#clock.monotonicMs);
    const index = this.#prng.below(Math.max(1, this.#parked.length + due.length));
    const [parked] = this.#parked.splice(index, 1);
    if (parked) return parked();
    const alarm = due[index - this.#parked.length] ?? this.#next();
    this.#alarms.delete(alarm);
    this.#clock.advance(Math.max(0, alarm.atMs - this.#clock.monotonicMs));
    alarm.ring();
  }

  #next(): Alarm {
    const [first, ...others] = this.#alarms;
    if (!first) throw new Error("every task waits for something that is not the scheduler");
    return others.reduce((soonest, one) => one.atMs < soonest.atMs ? one : soonest, first);
  }
}
