import { windowsNotAhead } from "./delete_window.ts";
import { cutIntoAtomics, type KvMutation, type KvStore } from "./kv_store.ts";
import type { StoredCache } from "./read_records.ts";
import { IDENTITY, mutationsOf } from "./records.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { seal } from "./sealed.ts";

/**
 * Makes a database fit to be written to: brings it up to the current schema, clears away an intent
 * that was torn, and brings what lies in the future to the present. A pending intent stays as it is: it goes once it is settled.
 *
 * It may die at any commit. The identity comes first and alone: until it is there, an earlier
 * edgekeyd reads all as it wrote it; from then on it refuses the database, and this one reads what
 * it has not come to yet as well as what it has. Whoever opens it next does the rest.
 *
 * @param store the database, which nobody else has open
 * @param stored what it holds
 * @param nowMs ms since the epoch
 * @returns what it holds now
 * @throws {KeyCacheError} what the database throws
 */
export async function bringUp(
  store: KvStore,
  stored: StoredCache,
  nowMs: number,
): Promise<StoredCache> {
  const identity = { ...stored.identity, schema: SCHEMA_VERSION };
  if (stored.identity.schema < SCHEMA_VERSION) {
    await store.commit([{ set: IDENTITY, value: seal(IDENTITY, identity) }]);
  }
  const windows = windowsNotAhead(stored.windows, nowMs);
  const mutations = [
    ...outdatedRecords({ ...stored, windows }, stored.windows),
    ...stored.torn.map((key) => ({ delete: key })),
  ];
  if (mutations.length > 0) {
    for (const atomic of cutIntoAtomics(mutations, [], store.limits)) await store.commit(atomic);
  }
  return {
    ...stored,
    identity,
    windows,
    torn: [],
    outdated: { row: [], tombstone: [], window: [] },
  };
}

/** Writes again what is of an earlier schema, or lay in the future. */
function outdatedRecords(
  { index, tombstones, windows, outdated, state }: StoredCache,
  stored: StoredCache["windows"],
): Iterable<KvMutation> {
  const changed = [...windows].filter(([name, window]) => window !== stored.get(name));
  return mutationsOf(
    pick(index.rows, outdated.row),
    [],
    pick(tombstones, outdated.tombstone).values(),
    new Map([...pick(windows, outdated.window), ...changed]),
    state.epoch,
  );
}

function pick<T>(from: ReadonlyMap<string, T>, names: readonly string[]): Map<string, T> {
  const picked = new Map<string, T>();
  for (const name of names) {
    const value = from.get(name);
    if (value !== undefined) picked.set(name, value);
  }
  return picked;
}
