import type { FileStamp } from "./file_system.ts";
import type { KnownFile } from "./snapshot.ts";

/** The kernel's clock for file times ticks no slower than this. */
export const CLOCK_TICK_MS = 10;

/** Deno gives a ctime in whole seconds. */
export const CTIME_MS = 1_000;

/**
 * Tells whether two looks found a file or directory in the same state.
 *
 * @param a one look
 * @param b the other
 * @returns true if nothing differs
 */
export function isSameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino &&
    a.ctimeMs === b.ctimeMs;
}

/**
 * Tells whether a file need not be read again. One that was young when it was read, or whose time
 * lies in the future, may have changed since without a trace in its times. So may one whose mtime
 * was set back, as a restore does, within the second of its ctime.
 *
 * @param known what was recorded when it was read
 * @param now its stamp now
 * @param settleMs how young is too young
 * @returns true if it holds what it held then
 */
export function isUnchanged(known: KnownFile, now: FileStamp, settleMs: number): boolean {
  return isSameStamp(known.stamp, now) &&
    known.readAtMs - known.stamp.mtimeMs > Math.max(settleMs, CLOCK_TICK_MS) &&
    known.readAtMs - known.stamp.ctimeMs > CTIME_MS + CLOCK_TICK_MS;
}
