import { contentHash } from "../../../lib/k8s/mod.ts";
import { MAX_RESOURCE_VERSION, type Version, versionIn } from "../cloud.ts";
import type { StoredKey } from "../etcd_model_store.ts";
import type { DiskRow } from "../kv_disk.ts";
import { broken, type Checker, isBy, type Lineage, type World } from "../world.ts";
import { isHeldUp } from "./held_up.ts";
import type { NothingForgotten } from "./nothing_forgotten.ts";

/** What is none, since it is too high, is above all there are. */
function knownAs({ resourceVersion }: Version): string {
  const isNone = BigInt(resourceVersion) > MAX_RESOURCE_VERSION;
  return isNone ? String(MAX_RESOURCE_VERSION + 1n) : resourceVersion;
}

/**
 * At rest, etcd is the union of what the owners hold: every held key is there, in a version as
 * fresh as the freshest owner's, nothing is there that we wrote and nobody holds, and the cache's
 * rows are the files.
 */
export class AtRest implements Checker {
  readonly name = "at rest";
  readonly #world: () => World;
  readonly #forgotten: NothingForgotten;

  constructor(world: () => World, forgotten: NothingForgotten) {
    this.#world = world;
    this.#forgotten = forgotten;
  }

  atRest(): void {
    this.#rowsAreFiles();
    this.#heldKeysAreThere();
    this.#noGhosts();
  }

  #rowsAreFiles(): void {
    for (const lineage of this.#world().lineages) {
      const { name, live, node, disk } = lineage;
      if (!live) continue;
      const heldUp = new Set(disk.rowKeys.filter((key) => isHeldUp(this.#world(), lineage, key)));
      const files = new Map<string, string>();
      // A bad file keeps what was recorded of it, or nothing if nothing was; and what the last
      // owner of its key held, which it may hold as well.
      const kept = new Set<string>();
      const bad = new Set<string>();
      for (const { key, component, gvr, version } of node.files()) {
        const owner = `${key} ${component}/${gvr}`;
        if (heldUp.has(key)) continue;
        // Of files in both layouts the fresher one counts.
        const other = files.get(owner) ?? "0";
        if (version && BigInt(version.resourceVersion) < BigInt(other)) continue;
        if (version) files.set(owner, version.resourceVersion);
        else {
          kept.add(owner);
          bad.add(key);
        }
      }
      for (const key of disk.rowKeys) {
        const row = disk.row(key);
        if (heldUp.has(key)) continue;
        if (!row || row.owners.length === 0) broken(this, `${name} has no owner of ${key} left`);
        for (const { component, gvr, resourceVersion, fromApi } of row.owners) {
          const owner = `${key} ${component}/${gvr}`;
          if (fromApi) continue;
          // Where one of two files in both layouts is bad, either may be the one on record.
          if (kept.has(owner)) {
            files.delete(owner);
            continue;
          }
          if (bad.has(key) && !files.has(owner) && row.owners.length === 1) continue;
          if (files.get(owner) !== resourceVersion) {
            broken(this, `${name} holds ${owner} at ${resourceVersion}, not ${files.get(owner)}`);
          }
          files.delete(owner);
        }
      }
      for (const owner of files.keys()) broken(this, `${name} does not hold ${owner}`);
    }
  }

  #heldKeysAreThere(): void {
    const { etcd, lineages } = this.#world();
    for (const lineage of lineages) {
      const { name, live, disk } = lineage;
      if (!live) continue;
      for (const key of disk.rowKeys) {
        const row = disk.row(key);
        const stored = etcd.get(key);
        // What went missing, came back older or is another's now is put from the freshest file.
        const heldUp = isHeldUp(this.#world(), lineage, key);
        if (!row || (!stored && heldUp)) continue;
        if (!stored) broken(this, `${name} holds ${key}, which is not in etcd`);
        const waits = heldUp && row.mod !== String(stored.mod);
        if (row.ours && !waits) this.#isAsRecorded(lineage, key, row, stored);
        const version = versionIn(stored.value);
        const mine = isBy(etcd.writeOf(stored), lineage) &&
          !this.#forgotten.isLetGo(lineage, key, stored);
        if (!version || (this.#skips(name) && !mine)) continue;
        for (const owner of row.owners) {
          if (owner.fromApi || heldUp) continue;
          if (BigInt(owner.resourceVersion) > BigInt(version.resourceVersion)) {
            broken(this, `${name} holds ${key} at ${owner.resourceVersion}, etcd an older one`);
          }
        }
      }
    }
  }

  /** What is ours is what the row says, and what a file, or the API, has held, to the byte. */
  #isAsRecorded(lineage: Lineage, key: string, row: DiskRow, stored: StoredKey): void {
    const { name, node } = lineage;
    const version = versionIn(stored.value);
    if (row.mod !== String(stored.mod)) {
      broken(this, `${name} takes ${key} at ${row.mod} for its own, etcd has ${stored.mod}`);
    }
    if (version?.uid !== row.uid || knownAs(version) !== row.resourceVersion) {
      broken(this, `${name} takes ${key} for another version than etcd has`);
    }
    if (row.hash !== contentHash(stored.value)) {
      broken(this, `${name} takes ${key} for other bytes than etcd has`);
    }
    const write = this.#world().etcd.writeOf(stored);
    const byNode = write?.by === "agent" && write.lineage.node === node;
    if (byNode && !node.hasHeld(key, stored.value)) {
      broken(this, `${name} holds ${key} in bytes that are no file's`);
    }
  }

  #skips(name: string): boolean {
    return this.#world().skipping.has(name);
  }

  #noGhosts(): void {
    const { etcd, lineages } = this.#world();
    for (const [key, stored] of etcd.current()) {
      if (!key.startsWith("/registry/")) continue;
      const write = etcd.writeOf(stored);
      const writer = lineages.find((one) => one.live && isBy(write, one));
      if (!writer || this.#forgotten.isLetGo(writer, key, stored)) continue;
      // Adoption by itself deletes nothing, not even again what a tombstone knows: the cache that
      // let it go is not the one that was adopted with. The operator is told of it.
      const adopted = writer.adoptedTick >= (write?.tick ?? 0) && writer.disk.hasTombstone(key);
      const row = writer.disk.row(key);
      if (!adopted && !row) broken(this, `${key} is a ghost of ${writer.name}`);
      if (!adopted && row && !row.ours) {
        broken(this, `${writer.name} takes its own ${key} for another's`);
      }
    }
  }
}
