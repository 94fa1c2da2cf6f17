import type { ComponentKeyCache } from "../keycache/mod.ts";
import { type ConflictPolicy, farAhead, standingConflicts, standingOthers } from "../store/mod.ts";
import type { Facts } from "./conditions/mod.ts";

/**
 * What its component-key cache alone says of a node.
 *
 * @param cache the cache
 * @param policy what counts as a conflict
 */
export function cacheFacts(
  { identity, intent, rows }: ComponentKeyCache,
  policy: ConflictPolicy,
): Facts & Required<Pick<Facts, "conflicts">> {
  return {
    nodeName: identity.nodeName,
    conflicts: standingConflicts(rows, { policy, adopting: false }),
    others: standingOthers(rows),
    farAhead: farAhead(rows),
    pendingKeys: intent?.header.entries ?? 0,
  };
}
