import type { ComponentHolding, KnownFile } from "../fscache/mod.ts";
import { type KeyRow, type Owner, sameOwner } from "./key_row.ts";
import { ownerPaths } from "./owner_path.ts";

/** A file behind an owner, as the scanner wants to know it. */
export interface CachedFile extends KnownFile {
  /** The object key that it is the file of. */
  readonly key: string;
  /** Who holds that key by it. */
  readonly owner: Owner;
}

/** The rows of a component-key cache in memory: by object key, by owner, and by file. */
export class KeyIndex {
  readonly #rows = new Map<string, KeyRow>();
  readonly #byOwner = new Map<string, Map<string, Set<string>>>();
  readonly #files = new Map<string, CachedFile>();
  readonly #rivals = new Map<string, CachedFile[]>();
  readonly #held = new Map<string, ComponentHolding>();
  /** Path of an owner's file below the cache root; undefined for an owner from the API. */
  readonly pathOf: (key: string, owner: Owner) => string | undefined;

  /** @param prefix the etcd prefix of all object keys */
  constructor(prefix: string) {
    this.pathOf = ownerPaths(prefix);
  }

  get rows(): ReadonlyMap<string, KeyRow> {
    return this.#rows;
  }

  /** Component → gvr → its object keys, unordered. */
  get byOwner(): ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>> {
    return this.#byOwner;
  }

  /** All files that owners stand on, by path below the cache root. */
  get files(): ReadonlyMap<string, CachedFile> {
    return this.#files;
  }

  /** How many keys a component holds in all versions and groups, and bytes of their objects. */
  heldBy(component: string): ComponentHolding {
    return this.#held.get(component) ?? { keys: 0, bytes: 0 };
  }

  /** Owners that stand on the same file as another, which {@linkcode KeyIndex.files} has. */
  rivalsOf(path: string): readonly CachedFile[] {
    return this.#rivals.get(path) ?? [];
  }

  /**
   * Puts a row in the place of the one that its key has.
   *
   * @param key the object key
   * @param row null: the key has none any more
   */
  set(key: string, row: KeyRow | null): void {
    const before = this.#rows.get(key);
    for (const owner of before?.owners ?? []) {
      this.#byOwner.get(owner.component)?.get(owner.gvr)?.delete(key);
      this.#count(owner, -1);
      const path = this.pathOf(key, owner);
      if (path !== undefined) this.#unclaim(path, key, owner);
    }
    for (const owner of row?.owners ?? []) {
      const resources = getOrAdd(this.#byOwner, owner.component, () => new Map());
      getOrAdd(resources, owner.gvr, () => new Set<string>()).add(key);
      this.#count(owner, 1);
      const path = this.pathOf(key, owner);
      if (path !== undefined) this.#claim(path, key, owner);
    }
    for (const { component, gvr } of before?.owners ?? []) {
      const resources = this.#byOwner.get(component);
      if (resources?.get(gvr)?.size === 0) resources.delete(gvr);
      if (resources?.size !== 0) continue;
      this.#byOwner.delete(component);
      this.#held.delete(component);
    }
    if (row) this.#rows.set(key, row);
    else this.#rows.delete(key);
  }

  /** Makes the mod revision of every row unknown. */
  forgetMods(): void {
    for (const [key, row] of this.#rows) this.#rows.set(key, { ...row, mod: null });
  }

  #count({ component, stamp: { size } }: Owner, sign: 1 | -1): void {
    const { keys, bytes } = this.heldBy(component);
    this.#held.set(component, { keys: keys + sign, bytes: bytes + sign * size });
  }

  #claim(path: string, key: string, owner: Owner): void {
    const other = this.#files.get(path);
    if (other) getOrAdd(this.#rivals, path, () => []).push(other);
    // One whose bytes are not known is to be read again.
    const readAtMs = owner.hash === undefined ? 0 : owner.readAtMs;
    this.#files.set(path, { key, owner, stamp: owner.stamp, readAtMs });
  }

  #unclaim(path: string, key: string, owner: Owner): void {
    const isIt = (file: CachedFile) => file.key === key && sameOwner(file.owner, owner);
    const rivals = this.#rivals.get(path) ?? [];
    const file = this.#files.get(path);
    const left = (file ? [...rivals, file] : rivals).filter((claim) => !isIt(claim));
    const latest = left.pop();
    if (latest) this.#files.set(path, latest);
    else this.#files.delete(path);
    if (left.length > 0) this.#rivals.set(path, left);
    else this.#rivals.delete(path);
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
