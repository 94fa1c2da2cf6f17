import type { Clock } from "./look.ts";
import type { ReconcileReport } from "./report.ts";

type Phase = keyof ReconcileReport["phasesMs"];

/** Measures how long each phase of a reconcile takes. */
export class Phases {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #spent: Record<Phase, number> = { recover: 0, scan: 0, plan: 0, commit: 0 };

  /** @param clock which time; the total counts from now */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
  }

  /** Adds the time that `work` takes to a phase. */
  async time<T>(phase: Phase, work: Promise<T>): Promise<T> {
    const startMs = this.#clock.monotonicMs();
    try {
      return await work;
    } finally {
      this.#spent[phase] += this.#clock.monotonicMs() - startMs;
    }
  }

  /** Since it was made, in whole ms. */
  get totalMs(): number {
    return Math.round(this.#clock.monotonicMs() - this.#startMs);
  }

  /** By phase, in whole ms. */
  get ms(): Record<Phase, number> {
    const { recover, scan, plan, commit } = this.#spent;
    return {
      recover: Math.round(recover),
      scan: Math.round(scan),
      plan: Math.round(plan),
      commit: Math.round(commit),
    };
  }
}
