import { RESOURCES } from "../cloud.ts";
import type { KeyChange } from "../etcd_ledger.ts";
import { broken, type Checker, fenceOf, type World, type Write } from "../world.ts";

/**
 * Invariant 6: nothing outside the owned keys and the fence is ever written, and a replace of one
 * namespace touches that namespace only.
 */
export class NothingElse implements Checker {
  readonly name = "6 nothing else";
  readonly #world: () => World;

  constructor(world: () => World) {
    this.#world = world;
  }

  etcdChanged(changes: readonly KeyChange[], write: Write): void {
    if (write.by !== "agent") return;
    const { lineage, operation } = write;
    if (operation.kind === "verify" || operation.kind === "dry-run") {
      broken(this, `${operation.kind} writes ${changes[0]?.key}`);
    }
    for (const { key } of changes) {
      if (key === fenceOf(lineage)) continue;
      if (!RESOURCES.some(({ keyPrefix }) => key.startsWith(keyPrefix))) {
        broken(this, `${lineage.name} writes ${key}`);
      }
      // An etcd that went back is brought to agreement by any operation.
      const healing = this.#world().replacedTick >= operation.startTick;
      if (operation.within !== undefined && !key.startsWith(operation.within) && !healing) {
        broken(this, `${lineage.name} writes ${key} in a replace of ${operation.within}`);
      }
    }
  }
}
