import type { KeyRow } from "../keycache/mod.ts";
import { decide, type DecisionRules } from "./decide.ts";
import { behindApi } from "./ownership.ts";

/**
 * Keys that are left to others for as long as etcd stays as it was last seen, each with the reason:
 * what a full pass would report, told from the rows alone.
 *
 * @param rows what is recorded
 * @param rules how values of others are judged
 */
export function standingConflicts(
  rows: ReadonlyMap<string, KeyRow>,
  rules: DecisionRules,
): Map<string, string> {
  const conflicts = new Map<string, string>();
  for (const [key, row] of rows) {
    const { owners } = row;
    if (row.mod === null || owners.length === 0) continue;
    if (row.ours && behindApi(owners, row) === undefined) continue;
    const unseen = { change: undefined, buried: [], observed: undefined, value: undefined };
    const looks = { settled: () => false, readable: () => true };
    const decision = decide({ key, row, owners, ...unseen, ...looks }, rules);
    if (decision.action === "none" && decision.conflict !== undefined) {
      conflicts.set(key, decision.conflict);
    }
  }
  return conflicts;
}
