import { join } from "@std/path";
import { EdgekeydError } from "../errors.ts";

/** A component that the fs cache has is to be changed by other means. */
export class ComponentClashError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "ComponentClashError";

  /**
   * Makes it; its code is `ComponentClash`.
   *
   * @param root the cache root
   * @param component the directory in it
   */
  constructor(root: string, component: string) {
    super(
      "ComponentClash",
      `${join(root, component)} is still in the fs cache, which is where its keys come from; ` +
        "remove it first, or take another name",
    );
  }
}
