/**
 * The base of every error that edgekeyd raises on purpose: a stable `code` for programs and a
 * message for people that says what failed, where, and what to do. A message never holds an
 * object's content.
 */
export class EdgekeydError extends Error {
  /** Tells the class in a stack trace. */
  override name = "EdgekeydError";
  /** Stable, UpperCamelCase; part of the contract with callers. */
  readonly code: string;

  /**
   * Makes an error.
   *
   * @param code stable code for programs
   * @param message what, where, and what to do; one line
   * @param options the underlying cause, if any
   */
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What is said where a file or a connection can't be opened for want of a descriptor. */
export const OUT_OF_DESCRIPTORS =
  "no file descriptors are left; raise LimitNOFILE= of the service, or ulimit -n";

/**
 * Tells whether something failed since the process, or the machine, has no file descriptors left
 * (open(2): EMFILE, ENFILE). What failed may go well a moment later.
 *
 * @param error what was thrown
 */
export function isOutOfDescriptors(error: unknown): boolean {
  return error instanceof Error && /\bE[MN]FILE\b|too many open files/i.test(error.message);
}
