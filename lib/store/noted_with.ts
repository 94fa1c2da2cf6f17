import { EdgekeydError } from "../errors.ts";
import type { ApplyResult } from "./apply_result.ts";

/**
 * Has the cache note what goes with an applied change. If it can't, what was done is told all the
 * same.
 *
 * @param applied what was done
 * @param note writes to the cache
 * @returns what was done, with the failure if there is one; nothing is noted after an earlier one
 */
export async function notedWith(
  applied: ApplyResult,
  note: () => Promise<void>,
): Promise<ApplyResult> {
  if (applied.failure) return applied;
  try {
    await note();
    return applied;
  } catch (failure) {
    if (!(failure instanceof EdgekeydError)) throw failure;
    return { ...applied, failure };
  }
}
