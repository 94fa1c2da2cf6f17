import { EdgekeydError } from "../errors.ts";

/** This node has left the pool, and nobody has let it take part again. */
export class RetiredError extends EdgekeydError {
  /** What somebody is to do who wants it back. */
  static readonly ADVICE: string =
    "it stays out of the pool until `edgekeyd --reconcile --rejoin`; stop the service before that, " +
    "and start it after";
  /** Tells the class in a stack trace. */
  override name = "RetiredError";

  /** Makes it; its code is `Retired`. */
  constructor() {
    super("Retired", `this node was retired; ${RetiredError.ADVICE}`);
  }
}
