import type { Clock } from "../clock.ts";
import type { ReconcileReport } from "./report.ts";

/** A phase of a reconcile. */
export type Phase = keyof ReconcileReport["phasesMs"];

/** Measures how long each phase of a reconcile takes. */
export class Phases {
  readonly #clock: Clock;
  readonly #onPhase: ((phase: Phase | undefined) => void) | undefined;
  readonly #startMs: number;
  readonly #spent: Record<Phase, number> = { recover: 0, scan: 0, plan: 0, commit: 0 };

  /**
   * @param clock which time; the total counts from now
   * @param onPhase told which phase begins; undefined: it has ended
   */
  constructor(clock: Clock, onPhase?: (phase: Phase | undefined) => void) {
    this.#clock = clock;
    this.#onPhase = onPhase;
    this.#startMs = clock.monotonicMs();
  }

  /** Adds the time that `work` takes to a phase. */
  async time<T>(phase: Phase, work: Promise<T>): Promise<T> {
    const startMs = this.#clock.monotonicMs();
    this.#onPhase?.(phase);
    try {
      return await work;
    } finally {
      this.#onPhase?.(undefined);
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
