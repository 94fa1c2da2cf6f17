import { EdgekeydError } from "../errors.ts";

/** A store without an fs cache was asked to bring etcd in step with one. */
export class NoCacheError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "NoCacheError";

  /** Makes it; its code is `NotReady`. */
  constructor() {
    super("NotReady", "this store was opened without an fs cache: give `cache` in its settings");
  }
}
