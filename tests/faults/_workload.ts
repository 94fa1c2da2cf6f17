import { deepStrictEqual, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Dice } from "../conformance/dice.ts";
import { type EdgeNode, type EtcdView, type FoundKey } from "../e2e/_node.ts";

const COMPONENTS = ["kubelet", "kube-proxy", "agent"] as const;
type Resource = readonly [directory: string, inEtcd: string, namespaced: boolean];
/** Directories of the cache, and where their objects are in etcd. */
const RESOURCES: readonly [Resource, ...Resource[]] = [
  ["configmaps.v1.core", "configmaps", true],
  ["services.v1.core", "services/specs", true],
  ["nodes.v1.core", "minions", false],
  ["widgets.v1.example.com", "example.com/widgets", true],
];
const NAMESPACES = ["default", "shop"] as const;
/** What kube-apiserver writes itself. */
const FOREIGN = new TextEncoder().encode("k8s\0 written by an apiserver");

/**
 * The cache directory of one node, filled and changed by dice, and what etcd must hold for it.
 * Everything is worked out from the files alone, with none of the agent's own code.
 */
export class Workload {
  readonly #node: EdgeNode;
  readonly #etcd: EtcdView;
  readonly #dice: Dice;
  readonly #alone: boolean;
  /** resourceVersions by path of the cache. */
  readonly #files = new Map<string, number>();
  /** Keys in which another wrote after us. */
  readonly #foreign = new Set<string>();
  /** All versions that a key had while it was last held: each may still be there. */
  readonly #versions = new Map<string, Map<number, Uint8Array>>();
  #rv = 0;

  /**
   * @param node whose cache
   * @param etcd for what others do there
   * @param dice what is done
   * @param alone nobody else touches etcd
   */
  constructor(node: EdgeNode, etcd: EtcdView, dice: Dice, alone = false) {
    this.#node = node;
    this.#etcd = etcd;
    this.#dice = dice;
    this.#alone = alone;
  }

  /** Changes some files, and now and then a key in etcd. */
  async change(): Promise<void> {
    const dice = this.#dice;
    this.#forgetOldVersions();
    for (let left = 1 + dice.below(8); left > 0; left--) {
      const existing = dice.shuffle([...this.#files.keys()])[0];
      const roll = dice.below(100);
      if (existing === undefined || roll < 40) this.#write(this.#anyPath());
      else if (roll < 65) this.#write(existing);
      else if (roll < 75) this.#share(existing);
      else this.#remove(existing);
    }
    if (this.#alone) return;
    if (dice.chance(15)) await this.#drift();
    if (dice.chance(5)) await this.#writeAsApiserver();
  }

  /** Removes most files, so that a run has many deletes. */
  clear(): void {
    this.#forgetOldVersions();
    for (const path of this.#files.keys()) if (this.#dice.chance(80)) this.#remove(path);
  }

  /** What etcd holds under this node's prefix. */
  async held(): Promise<Map<string, FoundKey>> {
    return await this.#etcd.keys(`${this.#node.prefix}/`);
  }

  /** Keys of `held` that this node's agent must have put. */
  ours(held: ReadonlyMap<string, FoundKey>): string[] {
    return [...held].filter(([, { value }]) => !isForeign(value)).map(([key]) => key);
  }

  /**
   * Every key that the files hold and that is another's is told, and no key but another's. One
   * that no file holds any more may be told too, once: by the run that lets it go.
   *
   * @param told keys that a run gave as conflicts
   */
  checkConflicts(told: readonly string[]): void {
    const held = [...this.#wanted().keys()].filter((key) => this.#foreign.has(key));
    deepStrictEqual(held.filter((key) => !told.includes(key)), [], "conflicts left untold");
    deepStrictEqual(told.filter((key) => !this.#foreign.has(key)), [], "no conflicts");
  }

  /**
   * No key is lost, none is left behind, values are the files' bytes, and what is another's is as
   * it was.
   *
   * @param held what etcd holds, after a run that came to its end
   */
  check(held: ReadonlyMap<string, FoundKey>): void {
    const wanted = this.#wanted();
    for (const key of wanted.keys()) ok(held.has(key), `lost: ${key}`);
    for (const key of this.#foreign) ok(held.has(key), `deleted, though another's: ${key}`);
    for (const [key, { value }] of held) {
      if (this.#foreign.has(key)) {
        ok(isForeign(value), `overwritten, though another's: ${key}`);
        continue;
      }
      const newest = wanted.get(key);
      ok(newest !== undefined, `ghost: ${key}`);
      // The freshest that a file holds now, be it older than what another file held before.
      const bytes = this.#versions.get(key)?.get(newest);
      ok(bytes !== undefined && same(bytes, value), `not the file's bytes: ${key}`);
    }
  }

  /** Highest resourceVersion by key. */
  #wanted(): Map<string, number> {
    const wanted = new Map<string, number>();
    for (const [path, rv] of this.#files) {
      const key = this.#keyOf(path);
      wanted.set(key, Math.max(rv, wanted.get(key) ?? 0));
    }
    return wanted;
  }

  #forgetOldVersions(): void {
    const wanted = this.#wanted();
    for (const key of this.#versions.keys()) if (!wanted.has(key)) this.#versions.delete(key);
  }

  #anyPath(): string {
    const dice = this.#dice;
    const [directory, , namespaced] = dice.pick(RESOURCES);
    const name = `o${dice.below(40)}`;
    const path = namespaced ? `${dice.pick(NAMESPACES)}/${name}` : name;
    return `${dice.pick(COMPONENTS)}/${directory}/${path}`;
  }

  #write(path: string, rv = ++this.#rv): void {
    // The same bytes for the same version, whoever holds it.
    const more = { data: "x".repeat((rv * 7919) % 3000) };
    const bytes = this.#node.write(path, { rv, more });
    this.#files.set(path, rv);
    const key = this.#keyOf(path);
    const versions = this.#versions.get(key) ?? new Map();
    this.#versions.set(key, versions.set(rv, bytes));
  }

  /** Another component holds the object too, in the same version or a newer one. */
  #share(path: string): void {
    const [, ...rest] = path.split("/");
    const other = [this.#dice.pick(COMPONENTS), ...rest].join("/");
    this.#write(other, this.#dice.chance(50) ? this.#files.get(path) : undefined);
  }

  #remove(path: string): void {
    this.#node.remove(path);
    this.#files.delete(path);
  }

  async #drift(): Promise<void> {
    const key = this.#dice.shuffle([...this.#wanted().keys()])[0];
    if (key === undefined || this.#foreign.has(key)) return;
    await this.#etcd.raw.kv.deleteRange({ key: Buffer.from(key) });
  }

  async #writeAsApiserver(): Promise<void> {
    const key = this.#keyOf(this.#anyPath());
    this.#foreign.add(key);
    await this.#etcd.put(key, FOREIGN);
  }

  #keyOf(path: string): string {
    const [, directory = "", ...rest] = path.split("/");
    const resource = RESOURCES.find(([name]) => name === directory)?.[1] ?? "";
    return `${this.#node.prefix}/${resource}/${rest.join("/")}`;
  }
}

function isForeign(value: Uint8Array): boolean {
  return same(value, FOREIGN);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
