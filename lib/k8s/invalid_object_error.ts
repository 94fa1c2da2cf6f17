import { EdgekeydError } from "../errors.ts";

/** Bytes that are not one Kubernetes object as JSON. The message never quotes the content. */
export class InvalidObjectError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "InvalidObjectError";

  /**
   * Says what is wrong.
   *
   * @param reason what is wrong with it, in a few words and without content
   */
  constructor(reason: string) {
    super("InvalidContent", reason);
  }
}
