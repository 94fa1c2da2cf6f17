import type { Clock } from "../clock.ts";

/** The time that the daemon goes by: none of its loop's looks at another clock. */
export interface AgentClock extends Clock {
  /**
   * Sets an alarm.
   *
   * @param ms how long from now
   * @param ring called once then
   * @returns calls it off
   */
  alarm(ms: number, ring: () => void): () => void;
}
