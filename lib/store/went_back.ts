import { sameOwner } from "../keycache/mod.ts";
import type { KeyState } from "./decide.ts";
import type { ObjectVersion } from "./ownership.ts";

/**
 * Tells whether it was the key's only owner itself that went back from what etcd holds: the cloud
 * was restored from a backup, or set up anew. Then nobody lags behind.
 *
 * @param state the key
 * @param held what etcd holds
 */
export function wentBack(
  { row, owners }: Pick<KeyState, "row" | "owners">,
  held: ObjectVersion,
): boolean {
  const [now, ...others] = owners;
  const [before, ...othersBefore] = row?.owners ?? [];
  return now !== undefined && before !== undefined && others.length + othersBefore.length === 0 &&
    sameOwner(now, before) && before.uid === held.uid &&
    before.resourceVersion === held.resourceVersion;
}
