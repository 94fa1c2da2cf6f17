/**
 * A store of a node's objects in the pool's etcd, for a program that embeds it.
 *
 * @module
 */
export { EdgeStore } from "./edge_store.ts";
export { InvalidNameError } from "./names.ts";
export { NoCacheError } from "./no_cache_error.ts";
export type { RunOptions } from "./reconcile_options.ts";
export type { CacheSettings, StoreSettings } from "./settings.ts";
export { StoreBusyError } from "./turns.ts";
