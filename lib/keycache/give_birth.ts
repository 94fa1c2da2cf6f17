import type { FenceState } from "./fence_state.ts";
import { type CacheOptions, fenceKeyOf, type Identity } from "./identity.ts";
import { KeyIndex } from "./key_index.ts";
import { ListFacts } from "./list_facts.ts";
import type { KvStore } from "./kv_store.ts";
import type { StoredCache } from "./read_records.ts";
import { IDENTITY, STATE } from "./records.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { seal } from "./sealed.ts";

/**
 * Makes a new cache in an empty database.
 *
 * @param store the database
 * @param options what it is for
 * @returns what the database holds now
 * @throws {KeyCacheError} what the database throws
 */
export async function giveBirth(
  store: KvStore,
  { nodeName, prefix, newLife }: CacheOptions,
): Promise<StoredCache> {
  const identity: Identity = {
    schema: SCHEMA_VERSION,
    life: newLife(),
    nodeName,
    prefix,
    fenceKey: fenceKeyOf(nodeName),
  };
  const state: FenceState = { expected: null, seq: 0, epoch: 1, adopting: false };
  await store.commit([
    { set: IDENTITY, value: seal(IDENTITY, identity) },
    { set: STATE, value: seal(STATE, state) },
  ]);
  return {
    identity,
    state,
    index: new KeyIndex(prefix),
    tombstones: new Map(),
    windows: new Map(),
    past: undefined,
    components: new Set(),
    lists: new ListFacts(),
    intent: undefined,
    torn: [],
    outdated: { row: [], tombstone: [], window: [] },
  };
}
