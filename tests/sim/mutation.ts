import type { Etcd } from "../../lib/etcd/mod.ts";
import type { FileSystem } from "../../lib/fscache/mod.ts";
import type { ComponentKeyCache, KvStore } from "../../lib/keycache/mod.ts";
import type { ReconcileReport } from "../../lib/reconcile/mod.ts";
import type { ComponentList, StoreContext } from "../../lib/store/mod.ts";
import type { Lineage, World } from "./world.ts";

/** Breaks one rule of the agent's from outside, by standing between it and what it works with. */
export interface Mutation {
  readonly name: string;
  etcd?(etcd: Etcd, lineage: Lineage, world: World): Etcd;
  kv?(kv: KvStore, lineage: Lineage, world: World): KvStore;
  fs?(fs: FileSystem, world: World): FileSystem;
  cache?(cache: ComponentKeyCache, world: World): ComponentKeyCache;
  /** Changes what a tool replaces. */
  list?(list: ComponentList): ComponentList;
  /** Goes on where an adoption has come to its end. */
  adopted?(context: StoreContext, report: ReconcileReport): Promise<void>;
}
