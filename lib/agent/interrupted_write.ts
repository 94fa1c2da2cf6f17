import { EdgekeydError } from "../errors.ts";
import { type ApplyResult, expectDone, type StoreContext } from "../store/mod.ts";

/** A write did not come to its end; what it did until then stays. */
export class InterruptedWriteError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "InterruptedWriteError";
  /** Why it did not. */
  override readonly cause: EdgekeydError;
  /** What it did. */
  readonly applied: ApplyResult;

  /**
   * Has code and words of what it failed with.
   *
   * @param cause why it did not come to its end
   * @param applied what it did until then
   */
  constructor(cause: EdgekeydError, applied: ApplyResult) {
    super(cause.code, cause.message, { cause });
    this.cause = cause;
    this.applied = applied;
  }
}

/**
 * Has a write done to its end, or tells what it did until it failed.
 *
 * @param run runs what it is given on cache and etcd
 * @param operation what to write
 * @returns what was written
 * @throws {InterruptedWriteError} if a part was done
 * @throws what `run` and `operation` throw, if nothing was begun
 */
export async function writeToItsEnd(
  run: (work: (context: StoreContext) => Promise<ApplyResult>) => Promise<ApplyResult>,
  operation: (context: StoreContext) => Promise<ApplyResult>,
): Promise<ApplyResult> {
  let applied: ApplyResult | undefined;
  try {
    return await run(async (context) => {
      applied = await operation(context);
      expectDone(context, applied);
      return applied;
    });
  } catch (error) {
    if (applied && error instanceof EdgekeydError) throw new InterruptedWriteError(error, applied);
    throw error;
  }
}
