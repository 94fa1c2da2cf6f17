import { EdgekeydError, isOutOfDescriptors } from "../errors.ts";
import { reasonOf } from "./file_errors.ts";

/** The cache root is missing, unreadable, or no directory: nothing can be said of any object. */
export class CacheRootError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "CacheRootError";

  /**
   * Says what to check.
   *
   * @param root the path
   * @param reason what is wrong with it
   * @param options the underlying cause, if any
   */
  constructor(root: string, reason: string, options?: ErrorOptions) {
    // Then the reason says what to do, and the directory may be as it should be.
    const check = isOutOfDescriptors(options?.cause)
      ? ""
      : ": check --cache-dir, that its disk is mounted, and that this user may read it";
    super("CacheRoot", `cache directory ${root} ${reason}${check}; nothing was changed`, options);
  }

  /**
   * Says why the root could not be listed.
   *
   * @param root the path
   * @param cause what listing it threw
   */
  static of(root: string, cause: unknown): CacheRootError {
    const reason = cause instanceof Deno.errors.NotFound
      ? "is missing"
      : cause instanceof Deno.errors.NotADirectory
      ? "is not a directory"
      : reasonOf(cause);
    return new CacheRootError(root, reason, { cause });
  }
}

/** The cache root holds more entries than any node's does. */
export class CacheTooLargeError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "CacheTooLargeError";

  /**
   * Says what to check.
   *
   * @param root the path
   * @param maxEntries the limit
   */
  constructor(root: string, maxEntries: number) {
    super(
      "CacheTooLarge",
      `cache directory ${root} holds more than ${maxEntries} entries: check ` +
        "--cache-dir; nothing was changed",
    );
  }
}
