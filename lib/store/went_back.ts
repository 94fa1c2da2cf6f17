import { type KeyRow, type Owner, sameOwner } from "../keycache/mod.ts";
import type { ObjectVersion } from "./ownership.ts";

/**
 * Tells whether it was the key's only owner itself that went back from what etcd holds: the cloud
 * was restored from a backup, or set up anew. Then nobody lags behind.
 *
 * @param state the key
 * @param held what etcd holds
 */
export function wentBack(
  { row, owners }: {
    readonly row: KeyRow | undefined;
    /** After the change. */
    readonly owners: readonly Owner[];
  },
  held: ObjectVersion,
): boolean {
  const [now, ...others] = owners;
  const [before, ...othersBefore] = row?.owners ?? [];
  return now !== undefined && before !== undefined && others.length + othersBefore.length === 0 &&
    sameOwner(now, before) && before.uid === held.uid &&
    before.resourceVersion === held.resourceVersion;
}
