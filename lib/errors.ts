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
