import { KeyCacheError } from "./errors.ts";
import { isCount } from "./key_row.ts";

/** Where the fence stands, as far as this cache knows. */
export interface FenceState {
  /** What the fence must hold; null: it must not exist. */
  readonly expected: string | null;
  /** Sequence number of `expected`, or above it: higher than any other that was used. */
  readonly seq: number;
  /** Mods that were learned in an earlier epoch are no longer known. */
  readonly epoch: number;
  /** A lost cache is being rebuilt: take over what importers wrote. */
  readonly adopting: boolean;
}

/**
 * Reads a stored state.
 *
 * @throws {KeyCacheError} `damaged` if its shape is wrong
 */
export function decodeState(value: unknown): FenceState {
  if (typeof value === "object" && value !== null) {
    const { expected, seq, epoch, adopting } = value as Record<string, unknown>;
    if (
      (expected === null || typeof expected === "string") && isCount(seq) && isCount(epoch) &&
      typeof adopting === "boolean"
    ) return { expected, seq, epoch, adopting };
  }
  throw new KeyCacheError("damaged", "the state record of the component-key cache is damaged");
}
