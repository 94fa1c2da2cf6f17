import type { StoreContext } from "../../lib/store/mod.ts";

/** A clock for tests in which nothing is to be waited for: whatever is slept is over at once. */
export const noWaiting: StoreContext["clock"] = {
  monotonicMs: () => performance.now(),
  sleep: () => Promise.resolve(),
  pause: () => Promise.resolve(),
};
