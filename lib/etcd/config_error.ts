import { EdgekeydError } from "../errors.ts";

/** What the operator said about etcd (flags, files) can't work; no call was made. */
export class EtcdConfigError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "EtcdConfigError";

  /**
   * Makes it; its code is `EtcdConfig`.
   *
   * @param message the flag or file, what is wrong with it, and what to do; one line
   * @param options the underlying cause, if any
   */
  constructor(message: string, options?: ErrorOptions) {
    super("EtcdConfig", message, options);
  }
}
