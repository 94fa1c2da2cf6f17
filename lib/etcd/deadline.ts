/** The slowest uplink that a Txn's deadline allows for: 64 KiB/s, in bytes a millisecond. */
const SLOWEST_BYTES_PER_MS = 64 * 1024 / 1_000;

/**
 * The longest that one call may take.
 *
 * @param timeoutMs `--etcd-timeout`
 * @param bytes an upper bound of the encoded request, which a slow uplink takes its time for
 * @returns milliseconds
 */
export function longestCallMs(timeoutMs: number, bytes: number): number {
  return timeoutMs + bytes / SLOWEST_BYTES_PER_MS;
}

/**
 * A moment by which something has to be over. It is counted in milliseconds of a clock that only
 * runs forward, since the wall clock may be set, by hours, while a call is under way.
 *
 * @param ms from now
 */
export function deadlineIn(ms: number): number {
  return performance.now() + ms;
}

/**
 * What is left until a deadline.
 *
 * @param deadline as {@linkcode deadlineIn} returns it
 * @returns milliseconds; 0 or less once it has passed
 */
export function msUntil(deadline: number): number {
  return deadline - performance.now();
}
