import { KeyCacheError } from "./errors.ts";

/** How many keys a component held and how many of them were deleted, at one moment. */
export interface DeleteSample {
  /** ms since the epoch. */
  readonly atMs: number;
  /** Keys that the component held before the deletes. */
  readonly keys: number;
  /** How many of them were deleted then. */
  readonly deletes: number;
}

/** A component's recent deletes, oldest first; what the bulk-delete guard looks back on. */
export type DeleteWindow = readonly DeleteSample[];

/**
 * Reads a stored window.
 *
 * @throws {KeyCacheError} `damaged` if its shape is wrong
 */
export function decodeWindow(value: unknown): DeleteWindow {
  if (!Array.isArray(value)) throw damaged();
  return value.map((sample) => {
    if (!Array.isArray(sample)) throw damaged();
    const [atMs, keys, deletes]: unknown[] = sample;
    if (typeof atMs !== "number" || typeof keys !== "number" || typeof deletes !== "number") {
      throw damaged();
    }
    return { atMs, keys, deletes };
  });
}

/** Packs a window for storage. */
export function encodeWindow(window: DeleteWindow): unknown {
  return window.map((sample) => [sample.atMs, sample.keys, sample.deletes]);
}

/**
 * Delete windows with no sample in the future, which a clock that was wrong may have left: such a
 * one is still counted, and grows old from now on.
 *
 * @param windows by component
 * @param nowMs ms since the epoch
 * @returns a window that had none is the same
 */
export function windowsNotAhead(
  windows: ReadonlyMap<string, DeleteWindow>,
  nowMs: number,
): Map<string, DeleteWindow> {
  return new Map(Array.from(windows, ([component, window]) => {
    if (!window.some(({ atMs }) => atMs > nowMs)) return [component, window];
    const present = window.map((one) => ({ ...one, atMs: Math.min(one.atMs, nowMs) }));
    return [component, present];
  }));
}

function damaged(): KeyCacheError {
  return new KeyCacheError("damaged", "a delete window in the component-key cache is damaged");
}
