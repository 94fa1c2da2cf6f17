/** A clock that was set by so little is none that is wrong. */
const STEADY_MS = 2_000;

/**
 * How long ago something was, for a person.
 *
 * @param thenMs wall clock then, ms since the epoch
 * @param nowMs wall clock now
 * @returns as `3 min ago`; of what is yet to come by this clock, that and when it was
 */
export function ago(thenMs: number, nowMs: number): string {
  if (thenMs - nowMs > STEADY_MS) {
    const then = new Date(thenMs).toISOString().replace(/\.\d+Z$/, "Z");
    return `at ${then}, which is yet to come by this host's clock`;
  }
  const seconds = Math.max(0, Math.round((nowMs - thenMs) / 1_000));
  if (seconds < 120) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}
