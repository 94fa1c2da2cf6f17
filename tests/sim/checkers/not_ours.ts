import type { ITxnRequest } from "etcd3";
import { versionIn } from "../cloud.ts";
import type { KeyChange } from "../etcd_ledger.ts";
import type { StoredKey } from "../etcd_model_store.ts";
import { broken, type Checker, isBy, type Lineage, type World, type Write } from "../world.ts";

/** Invariant 4: an object that is newer, or not ours, is not overwritten or deleted. */
export class NotOurs implements Checker {
  readonly name = "4 not ours";
  readonly #world: () => World;
  /** When a lineage last did not know what etcd holds at a key. */
  readonly #unknown = new Map<Lineage, Map<string, number>>();

  constructor(world: () => World) {
    this.#world = world;
  }

  kvChanged(lineage: Lineage): void {
    const { tick } = this.#world();
    const unknown = this.#unknown.get(lineage) ?? new Map<string, number>();
    this.#unknown.set(lineage, unknown);
    for (const key of lineage.disk.rowKeys) {
      const row = lineage.disk.row(key);
      if (row?.ours && row.mod === null) unknown.set(key, tick);
    }
  }

  etcdChanged(changes: readonly KeyChange[], write: Write, request?: ITxnRequest): void {
    if (write.by !== "agent" || !request) return;
    const { lineage } = write;
    for (const { key, before, after } of changes) {
      if (!before || !key.startsWith("/registry/")) continue;
      const held = versionIn(before.value);
      const writer = this.#world().etcd.writeOf(before);
      // A late Txn of a cache that was lost since goes by what that cache knew.
      const mine = isBy(write, lineage)
        ? isBy(writer, lineage)
        : writer?.by === "agent" && writer.lineage === lineage;
      const taken = held !== undefined && this.#takenOver(lineage, key, before);
      if (!after) {
        if (!mine && !taken) broken(this, `${lineage.name} deletes ${key}, which is not its own`);
        continue;
      }
      const put = versionIn(after.value);
      if (!put) broken(this, `${lineage.name} puts something that no importer writes at ${key}`);
      if (!held) broken(this, `${lineage.name} overwrites an apiserver's value at ${key}`);
      const newer = compare(put.resourceVersion, held.resourceVersion);
      if (put.uid === held.uid && newer < 0) {
        broken(this, `${lineage.name} puts an older copy at ${key}`);
      }
      if (put.uid === held.uid && newer === 0) {
        broken(this, `${lineage.name} puts what is there already at ${key}`);
      }
      if (mine || taken) continue;
      if (write.operation.policy === "skip") {
        broken(this, `${lineage.name} overwrites another's value at ${key} in spite of skip`);
      }
      if (newer <= 0) broken(this, `${lineage.name} overwrites a newer value at ${key}`);
    }
  }

  /** It may have been taken for ours: adopted, or found under a key that we may have written. */
  #takenOver(lineage: Lineage, key: string, stored: StoredKey): boolean {
    const written = this.#world().etcd.writeOf(stored)?.tick ?? 0;
    return (this.#unknown.get(lineage)?.get(key) ?? -1) >= written ||
      lineage.adoptedTick >= written;
  }
}

function compare(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
