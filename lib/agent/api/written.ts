import type { ApplyResult } from "../../store/mod.ts";
import type { Answers } from "../schemas.ts";

/**
 * What was written, as it is answered.
 *
 * @param applied what was done
 */
export function written(applied: ApplyResult): Answers["Written"] {
  const { created, updated, joined, deleted, released, txns, staged, revision } = applied;
  const conflicts = [...applied.conflicts].map(([key, reason]) => ({ key, reason }));
  return {
    created,
    updated,
    joined,
    deleted,
    released,
    conflicts,
    txns,
    staged,
    ...(revision !== undefined && { revision }),
  };
}
