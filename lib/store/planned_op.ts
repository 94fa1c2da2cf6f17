import type { KeyRow, Owner } from "../keycache/mod.ts";
import type { Decision } from "./decide.ts";
import type { OwnershipChange } from "./ownership.ts";
import type { PlannedOp } from "./pack.ts";

/**
 * The operation that a decision asks for; undefined if it asks for nothing in etcd.
 *
 * @param key the object key
 * @param decision what was decided
 * @param before the key's row
 * @param change what changes its owners
 */
export function plannedOp(
  key: string,
  decision: Decision,
  before: KeyRow | undefined,
  change: OwnershipChange | undefined,
): PlannedOp | undefined {
  if (decision.action === "put") {
    const { guardMod, owner, after } = decision;
    const group = groupOf(change?.acquired.includes(owner) ? owner : askerOf(change) ?? owner);
    const valueBytes = owner.stamp.size;
    return { action: "put", key, guardMod, owner, group, before, after, valueBytes };
  }
  if (decision.action === "delete") {
    const owner = change?.released[0];
    const { guardMod } = decision;
    const group = groupOf(askerOf(change));
    return { action: "delete", key, guardMod, owner, group, before, after: null, valueBytes: 0 };
  }
  return undefined;
}

/** What is put may be another owner's, and all the same be part of what this one asked for. */
function askerOf(change: OwnershipChange | undefined): Owner | undefined {
  return change?.acquired[0] ?? change?.released[0];
}

function groupOf(owner: Owner | undefined): string {
  return owner ? `${owner.component}/${owner.gvr}` : "";
}
