import type { ITxnRequest } from "etcd3";
import { MAX_RESOURCE_VERSION, type Version, versionIn } from "../cloud.ts";
import type { KeyChange } from "../etcd_ledger.ts";
import type { StoredKey } from "../etcd_model_store.ts";
import { broken, type Checker, isBy, type Lineage, type World, type Write } from "../world.ts";

/** Invariant 4: an object that is newer, or not ours, is not overwritten or deleted. */
export class NotOurs implements Checker {
  readonly name = "4 not ours";
  readonly #world: () => World;
  /** When a lineage last did not know what etcd holds at a key. */
  readonly #unknown = new Map<Lineage, Map<string, number>>();
  /** Of what a lineage has held: by key and uid, the highest resourceVersion. */
  readonly #held = new Map<Lineage, Map<string, Map<string, bigint>>>();

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
      // Without an owner, or a tombstone, a row alone is no more than what the agent claims.
      if (row?.ours && row.owners.length > 0) this.#noteHeld(lineage, key);
    }
    for (const key of lineage.disk.tombstoneKeys) this.#noteHeld(lineage, key);
  }

  /** An older copy of the disk says what was held when it was taken. */
  kvReplaced(lineage: Lineage): void {
    this.kvChanged(lineage);
    for (const key of lineage.disk.rowKeys) this.#noteHeld(lineage, key);
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
      const taken = held !== undefined && this.#takenOver(write, key, before, after !== undefined);
      if (!after) {
        if (!mine && !taken && !isNamed(write, key, held)) {
          broken(this, `${lineage.name} deletes ${key}, which is not its own`);
        }
        continue;
      }
      const put = versionIn(after.value);
      if (!put) broken(this, `${lineage.name} puts something that no importer writes at ${key}`);
      if (!held) broken(this, `${lineage.name} overwrites an apiserver's value at ${key}`);
      const newer = compare(put.resourceVersion, held.resourceVersion);
      if (before.value.equals(after.value)) {
        broken(this, `${lineage.name} puts what is there already at ${key}`);
      }
      if (mine || taken) continue;
      if (write.operation.policy === "skip") {
        broken(this, `${lineage.name} overwrites another's value at ${key} in spite of skip`);
      }
      if (newer <= 0) broken(this, `${lineage.name} overwrites a newer value at ${key}`);
    }
  }

  /**
   * It may have been taken for ours: adopted, or found under a key that we may have written. What
   * goes by that is a record of ours that says this very version; and that nobody here ever held is
   * not to be deleted, whatever there is to say that it is ours.
   */
  #takenOver(
    write: Write & { by: "agent" },
    key: string,
    stored: StoredKey,
    isPut: boolean,
  ): boolean {
    const { lineage } = write;
    const written = this.#world().etcd.writeOf(stored)?.tick ?? 0;
    const version = asRecorded(versionIn(stored.value));
    if (!version) return false;
    // What a file stands for is put over what an importer wrote, once that is adopted.
    const adopted = lineage.adoptedTick >= written;
    if (isPut && adopted) return true;
    const recorded = lineage.disk.remembers(key, version) || !isBy(write, lineage);
    const unknown = (this.#unknown.get(lineage)?.get(key) ?? -1) >= written;
    return recorded && (unknown || adopted) && this.#wasHeld(lineage, key, version);
  }

  #noteHeld(lineage: Lineage, key: string): void {
    const keys = this.#held.get(lineage) ?? new Map<string, Map<string, bigint>>();
    this.#held.set(lineage, keys);
    const highest = keys.get(key) ?? new Map<string, bigint>();
    keys.set(key, highest);
    for (const { uid, resourceVersion } of lineage.disk.remembered(key)) {
      const version = BigInt(resourceVersion);
      if (version > (highest.get(uid) ?? -1n)) highest.set(uid, version);
    }
  }

  #wasHeld(lineage: Lineage, key: string, { uid, resourceVersion }: Version): boolean {
    return (this.#held.get(lineage)?.get(key)?.get(uid) ?? -1n) >= BigInt(resourceVersion);
  }
}

/** What is beyond all that there can be is recorded as just that. */
function asRecorded(version: Version | undefined): Version | undefined {
  if (!version || BigInt(version.resourceVersion) <= MAX_RESOURCE_VERSION) return version;
  return { ...version, resourceVersion: String(MAX_RESOURCE_VERSION + 1n) };
}

/** An operator has named it to be deleted: an importer's, by that operation and no other. */
function isNamed(
  { operation }: Write & { by: "agent" },
  key: string,
  held: Version | undefined,
): boolean {
  return operation.kind === "delete-unclaimed" && operation.keys?.has(key) === true &&
    held !== undefined;
}

function compare(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
