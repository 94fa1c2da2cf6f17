import type { Intent } from "./intent.ts";
import type { KeyRow, Tombstone } from "./key_row.ts";

/** What becomes known when a fence is found that says: the pending Txn was not applied. */
export interface GiveUp {
  readonly expected: string | null;
  readonly seq: number;
  /** All known mods are unknown from now on. */
  readonly newEpoch?: boolean;
  readonly adopting?: boolean;
  /** Deletes made after this sequence number are to be made again (etcd was restored). */
  readonly redoDeletesAfter?: number;
}

/**
 * What the cache is to hold once an intent's Txn was applied.
 *
 * @param intent what the Txn did
 * @param succeeded by entry: its guard held (true for `keep`)
 * @param revision the Txn's revision, which is every put key's mod
 * @param atMs when its deletes were made, in milliseconds since the epoch
 * @returns rows by key, null to remove one, and the tombstones of what it deleted
 */
export function outcomeOfApplied(
  { header, entries }: Intent,
  succeeded: readonly boolean[],
  revision: string,
  atMs: number,
): { rows: Map<string, KeyRow | null>; tombstones: Tombstone[] } {
  const rows = new Map<string, KeyRow | null>();
  const tombstones: Tombstone[] = [];
  for (const [index, { action, key, after, uid, resourceVersion }] of entries.entries()) {
    if (action === "put" && after) {
      rows.set(
        key,
        succeeded[index]
          ? { ...after, ours: true, mod: revision }
          : { ...after, ours: false, mod: null, uid: "", resourceVersion: "" },
      );
    } else {
      rows.set(key, after);
    }
    if (action === "delete" && succeeded[index]) {
      tombstones.push({ key, uid, resourceVersion, seq: header.seq, atMs });
    }
  }
  return { rows, tombstones };
}

/**
 * The rows that change once it is certain that a pending intent's Txn was not applied and no
 * longer can be. In a new epoch, what the Txn would have put becomes owned with an unknown mod, so
 * that nothing it may have written is forgotten; else what was ours stays so.
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
  for (const { action, key, after, ...deleted } of intent?.entries ?? []) {
    if (action === "delete" && !known.has(key)) {
      // Its outcome was half written when etcd went back to before the delete.
      const { uid, resourceVersion } = deleted;
      rows.set(key, { key, ours: true, mod: null, uid, resourceVersion, owners: [] });
    }
    if (action !== "put" || !after) continue;
    // Etcd still holds the object that ours replaces, if it is another one of that name.
    const before = known.get(key);
    // An etcd that only says "not applied" holds nothing of ours there, but maybe another's.
    if (!fence.newEpoch && !before?.ours) continue;
    // One restored to before we deleted that one has it again.
    const deletedBefore = buried.get(key);
    const held = before?.ours
      ? before
      : deletedBefore && deletedBefore.seq > redoDeletesAfter
      ? deletedBefore
      : after;
    const { uid, resourceVersion } = held.uid === after.uid ? after : held;
    rows.set(key, { ...after, ours: true, mod: null, uid, resourceVersion });
  }
  for (const { key, uid, resourceVersion, seq } of buried.values()) {
    if (seq <= redoDeletesAfter || known.has(key) || rows.has(key)) continue;
    rows.set(key, { key, ours: true, mod: null, uid, resourceVersion, owners: [] });
  }
  return rows;
}
