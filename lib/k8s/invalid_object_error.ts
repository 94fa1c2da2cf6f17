import { EdgekeydError } from "../errors.ts";

/** Bytes that are not one Kubernetes object as JSON. The message never quotes the content. */
export class InvalidObjectError extends EdgekeydError {
  override name = "InvalidObjectError";
  /** @param reason what is wrong with it, in a few words and without content */
  constructor(reason: string) {
    super("InvalidContent", reason);
  }
}
