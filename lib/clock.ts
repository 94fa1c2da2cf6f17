/** Time, for what waits, measures, or works for long. */
export interface Clock {
  /** Wall clock, ms since the epoch; it may be set, by days and either way. */
  nowMs(): number;
  /**
   * Wall clock of the moment at which the process began, and what has passed since, in ms: ages are
   * told by it, which no setting of the clock may change.
   */
  steadyMs(): number;
  /** Runs only forward, in ms. */
  monotonicMs(): number;
  /** Resolves once so many ms have passed. */
  sleep(ms: number): Promise<void>;
  /** Lets the event loop run. */
  pause(): Promise<void>;
}
