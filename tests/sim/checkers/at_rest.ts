import { versionIn } from "../cloud.ts";
import { broken, type Checker, isBy, type World } from "../world.ts";
import type { NothingForgotten } from "./nothing_forgotten.ts";

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
    for (const { name, live, node, disk } of this.#world().lineages) {
      if (!live) continue;
      const files = new Map<string, string>();
      // The bad file of one owner may hold up what another one does with the key.
      const kept = new Set(node.files().flatMap((file) => file.version ? [] : file.key));
      for (const { key, component, gvr, version } of node.files()) {
        if (version && !kept.has(key)) {
          files.set(`${key} ${component}/${gvr}`, version.resourceVersion);
        }
      }
      for (const key of disk.rowKeys) {
        const row = disk.row(key);
        if (kept.has(key)) continue;
        if (!row || row.owners.length === 0) broken(this, `${name} has no owner of ${key} left`);
        for (const { component, gvr, resourceVersion, fromApi } of row.owners) {
          const owner = `${key} ${component}/${gvr}`;
          if (fromApi) continue;
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
    for (const { name, live, node, disk } of lineages) {
      if (!live) continue;
      // What went missing, or came back older, can be put again from the freshest owner's file,
      // and only from that.
      const files = node.files();
      const readable = new Set(files.flatMap((file) => file.version ? file.key : []));
      for (const { key, version } of files) if (!version) readable.delete(key);
      for (const key of disk.rowKeys) {
        const row = disk.row(key);
        const stored = etcd.get(key);
        if (!stored && !readable.has(key)) continue;
        if (!stored) broken(this, `${name} holds ${key}, which is not in etcd`);
        const version = versionIn(stored.value);
        if (!version || this.#skips(name)) continue;
        for (const owner of row?.owners ?? []) {
          if (owner.fromApi || !readable.has(key)) continue;
          if (BigInt(owner.resourceVersion) > BigInt(version.resourceVersion)) {
            broken(this, `${name} holds ${key} at ${owner.resourceVersion}, etcd an older one`);
          }
        }
      }
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
      // Adoption by itself deletes nothing, not even again.
      const adopted = writer.adoptedTick >= (write?.tick ?? 0) && writer.disk.hasTombstone(key);
      const row = writer.disk.row(key);
      if (!adopted && !row) broken(this, `${key} is a ghost of ${writer.name}`);
      if (!adopted && row && !row.ours) {
        broken(this, `${writer.name} takes its own ${key} for another's`);
      }
    }
  }
}
