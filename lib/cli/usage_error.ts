import { EdgekeydError } from "../errors.ts";

/** Wrong flags, values or arguments; nothing was done. */
export class UsageError extends EdgekeydError {
  override name = "UsageError";
  /** @param message which flag or argument, what is wrong with it, what it takes */
  constructor(message: string) {
    super("Usage", message);
  }
}
