import { setImmediate } from "node:timers";
import type { Clock } from "./clock.ts";

/** The clock of this process. */
export const realClock: Clock = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.timeOrigin + performance.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  pause: () => new Promise((resolve) => setImmediate(resolve)),
};
