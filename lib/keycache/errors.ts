import { EdgekeydError } from "../errors.ts";

/**
 * Why the state directory or its database can't be used.
 *
 * - `locked`: another process holds the state directory
 * - `damaged`: the database or a record in it is not intact
 * - `mismatch`: it belongs to another node, prefix or fence
 * - `newer-schema`: a newer edgekeyd wrote it
 * - `replaced`: another file stands where the database or the lock was opened, or none
 * - `unsafe`: others can write to the directory or swap it, or a file in it is a link
 * - `full`: no space left on the device
 * - `io`: another failure of the file system or the database
 */
export type KeyCacheErrorReason =
  | "locked"
  | "damaged"
  | "mismatch"
  | "newer-schema"
  | "replaced"
  | "unsafe"
  | "full"
  | "io";

/** A failure of the component-key cache or its state directory. */
export class KeyCacheError extends EdgekeydError {
  /** The name of the class. */
  override name = "KeyCacheError";
  /** What to act on. */
  readonly reason: KeyCacheErrorReason;

  /**
   * A failure.
   *
   * @param reason what to act on
   * @param message what, where, and what to do; one line
   * @param options the underlying cause, if any
   */
  constructor(reason: KeyCacheErrorReason, message: string, options?: ErrorOptions) {
    super("KeyCache", message, options);
    this.reason = reason;
  }
}
