import type { IntentEntry } from "./intent.ts";
import type { KeyRow } from "./key_row.ts";
import { bury, covers, type PutVersion, type Tombstone } from "./tombstone.ts";

/**
 * How many tombstones there are at the most. Nothing else makes one go, least of all its age: a node
 * may start in 1970, and find the time years later.
 */
const MAX_COUNT = 10_000;

/** What is known of the keys before a change. */
export interface Known {
  readonly rows: ReadonlyMap<string, KeyRow>;
  /** The oldest come first. */
  readonly tombstones: ReadonlyMap<string, Tombstone>;
}

/** What a change makes of the tombstones. */
export interface Burial {
  /** New ones, and those that say more. */
  readonly tombstones: ReadonlyMap<string, Tombstone>;
  /** Keys whose tombstones go: the rows say it, or they are too many. */
  readonly forgotten: readonly string[];
}

/**
 * Works out how the tombstones change when rows do. A version that we put, and that its row no
 * longer tells of, goes into a tombstone. An etcd that is restored to an older state may hold that
 * version again, and then it is known as ours.
 *
 * @param known what was
 * @param rows what comes, by object key; null removes one
 * @param put entries whose puts may have been in etcd, whatever the rows say
 * @param seq sequence number of the fence from which on etcd holds none of it
 */
export function burialOf(
  known: Known,
  rows: ReadonlyMap<string, KeyRow | null>,
  put: readonly IntentEntry[],
  seq: number,
): Burial {
  const tombstones = new Map<string, Tombstone>();
  const toBury = (key: string, version: PutVersion) => {
    const buried = tombstones.get(key) ?? known.tombstones.get(key);
    tombstones.set(key, bury(buried, version, { key, seq }));
  };
  for (const [key, row] of rows) {
    const before = known.rows.get(key);
    if (before?.ours && !covers(row, before)) toBury(key, before);
  }
  for (const { action, key, after } of put) {
    const row = rows.get(key) ?? known.rows.get(key);
    if (action === "put" && after && !covers(row, after)) toBury(key, after);
  }
  const forgotten: string[] = [];
  for (const [key, row] of rows) {
    const said = (version: PutVersion) => covers(row, version);
    if (!tombstones.has(key) && known.tombstones.get(key)?.versions.every(said)) {
      forgotten.push(key);
    }
  }
  let coming = 0;
  for (const key of tombstones.keys()) if (!known.tombstones.has(key)) coming++;
  for (const key of surplus(known.tombstones, coming)) {
    if (!tombstones.has(key)) forgotten.push(key);
  }
  return { tombstones, forgotten };
}

/** The oldest of those that are too many. */
function surplus(tombstones: ReadonlyMap<string, Tombstone>, coming: number): string[] {
  const count = tombstones.size + coming - MAX_COUNT;
  return count > 0 ? [...tombstones.keys().take(count)] : [];
}
