export type { ListFact, ListFacts } from "./list_facts.ts";
export type { CacheContents } from "./cache_contents.ts";
export type { Change } from "./change.ts";
export { ComponentKeyCache } from "./component_key_cache.ts";
export { type DaemonMark, readDaemonMark } from "./daemon_mark.ts";
export type { DeleteSample, DeleteWindow } from "./delete_window.ts";
export type { FenceHolder, FenceState } from "./fence_state.ts";
export { type LifeOrigin, lifeWords, makeLife } from "./life.ts";
export type { Memory } from "./memory.ts";
export type { HeldBack, Past, PastFailure } from "./past.ts";
export { KeyCacheError, type KeyCacheErrorReason } from "./errors.ts";
export {
  aliveKeyOf,
  type CacheOptions,
  fenceKeyOf,
  type Identity,
  isEtcdPrefix,
  isNodeName,
  mismatch,
} from "./identity.ts";
export type { CachedFile } from "./key_index.ts";
export type { Intent, IntentEntry, IntentHeader } from "./intent.ts";
export { type KeyRow, type Owner, type OwnerSource, ownRow, sameOwner } from "./key_row.ts";
export type { KvKey, KvLimits, KvMutation, KvStore } from "./kv_store.ts";
export {
  hasCache,
  holdStateDirectory,
  memoryCache,
  type OpenedCache,
  type StateDirectory,
  type WrapStore,
} from "./state_directory.ts";
export { type HeldDirectory, heldDirectory, type Holder, lockedError } from "./state_lock.ts";
export {
  KeyCacheFileError,
  parseOpenyurtKeyCache,
  type RecordedKey,
} from "./openyurt_key_cache.ts";
export { whyNoRoom } from "./owner_room.ts";
export { checkRoom } from "./state_room.ts";
export { foreignOwner } from "./state_place.ts";
export { readSettings, type RememberedSettings, settingsPath } from "./settings_file.ts";
export type { GiveUp } from "./outcome.ts";
export type { PutVersion, Tombstone } from "./tombstone.ts";
