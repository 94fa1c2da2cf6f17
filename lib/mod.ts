/**
 * edgekeyd as a library: a store of a node's objects in the pool's etcd, by component.
 *
 * {@linkcode EdgeStore} is what most programs need. The rest is what it is made of: keys, the one
 * Txn of an operation, the component-key cache, and the errors, each with a `code`.
 *
 * @module
 */
export * from "./errors.ts";
export * from "./etcd/mod.ts";
export * from "./k8s/mod.ts";
export * from "./keycache/mod.ts";
export * from "./library/mod.ts";
export * from "./reconcile/mod.ts";
export * from "./store/mod.ts";
export {
  CacheRootError,
  CacheTooLargeError,
  ComponentClashError,
  type ComponentLimits,
  DenoFileSystem,
} from "./fscache/mod.ts";
