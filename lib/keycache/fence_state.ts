import { KeyCacheError } from "./errors.ts";
import { isCount } from "./key_row.ts";

/** Who wrote a fence. */
export interface FenceHolder {
  /** The life of its state directory. */
  readonly life: string;
  /** Which of its Txns it was. */
  readonly seq: number;
}

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
  /** From whom this life took the fence over; absent if it never did. */
  readonly tookOver?: FenceHolder;
}

/**
 * Reads a stored state.
 *
 * @throws {KeyCacheError} `damaged` if its shape is wrong
 */
export function decodeState(value: unknown): FenceState {
  if (typeof value === "object" && value !== null) {
    const { expected, seq, epoch, adopting, tookOver } = value as Record<string, unknown>;
    if (
      (expected === null || typeof expected === "string") && isCount(seq) && isCount(epoch) &&
      typeof adopting === "boolean" && (tookOver === undefined || isHolder(tookOver))
    ) return { expected, seq, epoch, adopting, ...(tookOver && { tookOver }) };
  }
  throw new KeyCacheError("damaged", "the state record of the component-key cache is damaged");
}

function isHolder(value: unknown): value is FenceHolder {
  if (typeof value !== "object" || value === null) return false;
  const { life, seq } = value as Record<string, unknown>;
  return typeof life === "string" && isCount(seq);
}
