import { EdgekeydError, isOutOfDescriptors, OUT_OF_DESCRIPTORS } from "../errors.ts";

/** A file did not hold still while it was read, again and again. */
export class FileChangingError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "FileChangingError";

  /** It is looked at again. */
  constructor() {
    super("FileChanging", "kept changing while it was read");
  }
}

/**
 * Says in a few words why a path could not be used.
 *
 * @param error what was thrown
 * @returns a reason that quotes neither content nor paths
 */
export function reasonOf(error: unknown): string {
  if (error instanceof EdgekeydError) return error.message;
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (isOutOfDescriptors(error)) return `can't be read: ${OUT_OF_DESCRIPTORS}`;
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return `can't be read (${error.code})`;
  }
  return "can't be read";
}
