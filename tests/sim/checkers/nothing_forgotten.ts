import type { StoredKey } from "../etcd_model_store.ts";
import { broken, type Checker, isBy, type Lineage, type World } from "../world.ts";

/**
 * Invariant 1: every object key that this node has put, and not yet seen deleted or overwritten by
 * another, is in the cache or in a pending intent. At no crash point can a key be in etcd and in
 * neither.
 */
export class NothingForgotten implements Checker {
  readonly name = "1 nothing forgotten";
  readonly #world: () => World;
  readonly #known = new Map<Lineage, Set<string>>();
  /** States that their writer has seen gone or overwritten, and may forget. */
  readonly letGo = new WeakSet<StoredKey>();

  constructor(world: () => World) {
    this.#world = world;
  }

  etcdChanged(): void {
    this.#check();
  }

  kvChanged(lineage: Lineage): void {
    const { etcd } = this.#world();
    const known = knownKeys(lineage);
    for (const key of this.#known.get(lineage) ?? []) {
      if (known.has(key)) continue;
      const now = etcd.get(key);
      const mine = now && isBy(etcd.writeOf(now), lineage) && !this.letGo.has(now);
      if (mine && !this.#wentBackMeanwhile(lineage)) {
        broken(this, `${lineage.name} forgets ${key}, which it wrote at ${now.mod}`);
      }
      for (const stored of etcd.history(key)) {
        if (isBy(etcd.writeOf(stored), lineage)) this.letGo.add(stored);
      }
    }
    this.#known.set(lineage, known);
    this.#check();
  }

  kvReplaced(lineage: Lineage): void {
    this.#known.set(lineage, knownKeys(lineage));
  }

  #check(): void {
    const { etcd, lineages } = this.#world();
    for (const [key, stored] of etcd.current()) {
      if (!key.startsWith("/registry/") || this.letGo.has(stored)) continue;
      const write = etcd.writeOf(stored);
      const lineage = lineages.find((one) => one.live && isBy(write, one));
      if (!lineage || this.#known.get(lineage)?.has(key)) continue;
      if (lineage.disk.hasTombstone(key)) continue;
      broken(this, `${lineage.name} wrote ${key} at ${stored.mod} and does not know of it`);
    }
  }

  /** What an agent saw before etcd went back, in the same operation, it saw all the same. */
  #wentBackMeanwhile(lineage: Lineage): boolean {
    return this.#world().replacedTick >= lineage.operationStart;
  }
}

function knownKeys(lineage: Lineage): Set<string> {
  const known = new Set(lineage.disk.rowKeys);
  for (const { key } of lineage.disk.entries) known.add(key);
  return known;
}
