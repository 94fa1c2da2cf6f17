import { compareResourceVersions } from "../k8s/mod.ts";
import type { FenceHolder } from "./fence_state.ts";
import type { Intent } from "./intent.ts";
import { type KeyRow, ownRow } from "./key_row.ts";
import type { Tombstone } from "./tombstone.ts";

/**
 * What the fence that was found in etcd means for the cache. If a Txn is pending, that fence says
 * that it was not applied.
 */
export interface GiveUp {
  /** What the fence holds; null: there is none. */
  readonly expected: string | null;
  /** Its sequence number. */
  readonly seq: number;
  /** All known mods are unknown from now on. */
  readonly newEpoch?: boolean;
  /** Whether what importers wrote is still to be taken over; as it was if this is absent. */
  readonly adopting?: boolean;
  /** From whom the fence is taken over, if it is. */
  readonly tookOver?: FenceHolder;
  /** Deletes made after this sequence number are to be made again (etcd was restored). */
  readonly redoDeletesAfter?: number;
}

/**
 * What the cache is to hold once an intent's Txn was applied.
 *
 * @param intent what the Txn did
 * @param succeeded by entry: its guard held (true for `keep`)
 * @param revision the Txn's revision, which is every put key's mod
 * @returns rows by key, null to remove one
 */
export function outcomeOfApplied(
  { entries }: Intent,
  succeeded: readonly boolean[],
  revision: string,
): Map<string, KeyRow | null> {
  const rows = new Map<string, KeyRow | null>();
  for (const [index, { action, key, after }] of entries.entries()) {
    if (action === "put" && after) {
      rows.set(
        key,
        succeeded[index] ? { ...after, ours: true, mod: revision } : anothers(after),
      );
    } else {
      rows.set(key, after);
    }
  }
  return rows;
}

/** What its own guard says when it fails: another's value stands there, to be judged anew. */
function anothers({ key, owners }: KeyRow): KeyRow {
  return { key, ours: false, mod: null, uid: "", resourceVersion: "", owners };
}

function isSame(row: KeyRow, after: KeyRow): boolean {
  return row.ours && row.uid === after.uid && row.resourceVersion === after.resourceVersion &&
    row.hash === after.hash;
}

/**
 * The rows that change once it is certain that a pending intent's Txn was not applied, or was undone
 * by a restore, and no longer can be. What the outcome may have made of a row before, half written,
 * is taken back. In a new epoch, what it would have put becomes owned with an unknown mod, so that
 * nothing it may have written is forgotten, and what etcd held before goes into a tombstone; else it
 * is the put that does.
 *
 * @param intent the pending one, if there is one
 * @param fence what the fence says
 * @param known the rows as they are, by key
 * @param buried the tombstones as they are, by key
 */
export function outcomeOfGivenUp(
  intent: Intent | undefined,
  fence: Pick<GiveUp, "newEpoch" | "redoDeletesAfter">,
  known: ReadonlyMap<string, KeyRow>,
  buried: ReadonlyMap<string, Tombstone>,
): Map<string, KeyRow> {
  const rows = new Map<string, KeyRow>();
  const { redoDeletesAfter = Infinity } = fence;
  for (const { action, key, after, uid, resourceVersion } of intent?.entries ?? []) {
    const before = known.get(key);
    const isBuried = buried.get(key)?.versions.some((version) =>
      version.uid === uid && compareResourceVersions(version.resourceVersion, resourceVersion) >= 0
    );
    if (resourceVersion !== "" && !before?.ours && isBuried) {
      // Deleted, or found to be another's now: and then etcd went back to before that.
      rows.set(key, ownRow(key, { uid, resourceVersion }, before?.owners ?? []));
    }
    if (action !== "put" || !after) continue;
    // An etcd that only says "not applied" holds there what it held before, ours or another's.
    if (fence.newEpoch) rows.set(key, { ...after, ours: true, mod: null });
    // But the row may be that of an outcome half written.
    else if (before && isSame(before, after)) rows.set(key, { ...before, mod: null });
  }
  for (const { key, versions: [version], seq } of buried.values()) {
    const row = known.get(key);
    if (seq <= redoDeletesAfter || rows.has(key) || row?.ours) continue;
    // Etcd is back to before we deleted it, or another overwrote it.
    rows.set(key, ownRow(key, version, row?.owners ?? []));
  }
  return rows;
}
