import { versionIn } from "../cloud.ts";
import type { StoredKey } from "../etcd_model_store.ts";
import { broken, type Checker, fenceOf, isBy, type Lineage, type World } from "../world.ts";

type Ticks = Map<Lineage, Map<string, number>>;

/**
 * Invariant 1: every object key that this node has put, and not yet seen deleted or overwritten by
 * another, is in the cache or in a pending intent. At no crash point can a key be in etcd and in
 * neither.
 */
export class NothingForgotten implements Checker {
  readonly name = "1 nothing forgotten";
  /** False if it only keeps account, for another checker. */
  judges = true;
  readonly #world: () => World;
  readonly #known = new Map<Lineage, Set<string>>();
  /** When a lineage last saw a key gone or overwritten, and might forget what it wrote before. */
  readonly #letGo: Ticks = new Map();
  /**
   * As above, of what may then come back without a sign: etcd goes back by less than one Txn of this
   * lineage's, to a fence that says that nothing has happened. What only others did since is undone,
   * and the agent was right to forget what they had deleted or overwritten. Also what adoption has
   * left.
   */
  readonly #lost: Ticks = new Map();

  constructor(world: () => World) {
    this.#world = world;
  }

  etcdChanged(): void {
    this.#check();
  }

  /** Tells whether what a lineage wrote is none of its business any more. */
  isLetGo(lineage: Lineage, key: string, stored: StoredKey): boolean {
    const write = this.#world().etcd.writeOf(stored);
    const written = write?.tick ?? 0;
    return [this.#letGo, this.#lost].some((ticks) =>
      written <= (ticks.get(lineage)?.get(key) ?? -1)
    );
  }

  /** What comes back must be known again, unless the fence does not tell that it came back. */
  etcdReplaced(): void {
    const { etcd, lineages } = this.#world();
    for (const lineage of lineages) {
      const fence = etcd.get(fenceOf(lineage))?.value.toString();
      const { state, header } = lineage.disk;
      const seen = fence !== undefined && fence !== state?.expected && fence !== header?.next;
      if (!seen) {
        for (const [key, tick] of this.#letGo.get(lineage) ?? []) {
          later(this.#lost, lineage, key, tick);
        }
      }
      this.#letGo.delete(lineage);
    }
    this.#check();
  }

  etcdRead(lineage: Lineage, first: string, end: string): void {
    const { etcd } = this.#world();
    for (const key of this.#known.get(lineage) ?? []) {
      if (key < first || key >= end) continue;
      const now = etcd.get(key);
      const write = now ? etcd.writeOf(now) : etcd.deletionOf(key);
      // What etcd merely went back from may come again.
      if (write && !isBy(write, lineage)) this.#mayForget(lineage, key, write.tick);
    }
  }

  kvChanged(lineage: Lineage): void {
    const { etcd, tick } = this.#world();
    const known = knownKeys(lineage);
    const pending = new Set(lineage.disk.entries.map(({ key }) => key));
    for (const key of this.#known.get(lineage) ?? []) {
      // A row that says another's is what the agent makes of a key that it saw overwritten.
      if (known.has(key) && lineage.disk.row(key)?.ours !== false) continue;
      const now = etcd.get(key);
      // What it deleted itself it must know again in an etcd that goes back: by a tombstone.
      const deleted = isBy(etcd.deletionOf(key), lineage);
      if (deleted && lineage.disk.hasTombstone(key)) continue;
      const mine = now && isBy(etcd.writeOf(now), lineage) && !this.isLetGo(lineage, key, now) &&
        !remembers(lineage, key, now);
      // The row of a put that is under way may still be another's.
      if (mine && pending.has(key)) continue;
      if (this.judges && mine) {
        broken(this, `${lineage.name} forgets ${key}, which it wrote at ${now.mod}`);
      }
      if (!deleted && !lineage.disk.hasTombstone(key)) this.#mayForget(lineage, key, tick);
    }
    for (const key of known) {
      if (this.#isLeftByAdoption(lineage, key)) later(this.#lost, lineage, key, tick);
    }
    this.#known.set(lineage, known);
    this.#check();
  }

  kvReplaced(lineage: Lineage): void {
    this.#known.set(lineage, knownKeys(lineage));
  }

  #check(): void {
    if (!this.judges) return;
    const { etcd, lineages } = this.#world();
    for (const [key, stored] of etcd.current()) {
      if (!key.startsWith("/registry/")) continue;
      const write = etcd.writeOf(stored);
      const lineage = lineages.find((one) => one.live && isBy(write, one));
      if (!lineage || this.isLetGo(lineage, key, stored)) continue;
      const pending = lineage.disk.entries.some((entry) => entry.key === key);
      if (pending || remembers(lineage, key, stored)) continue;
      broken(this, `${lineage.name} wrote ${key} at ${stored.mod} and does not know of it`);
    }
  }

  /**
   * What adoption does not take over is nobody's, whatever tombstone there is: the operator is told
   * of it, and who takes it up later finds another's value.
   */
  #isLeftByAdoption(lineage: Lineage, key: string): boolean {
    if (this.#known.get(lineage)?.has(key) || lineage.disk.row(key)?.ours !== false) return false;
    const { etcd } = this.#world();
    const now = etcd.get(key);
    const write = now && etcd.writeOf(now);
    return isBy(write, lineage) && lineage.adoptedTick >= (write?.tick ?? Infinity);
  }

  #mayForget(lineage: Lineage, key: string, tick: number): void {
    later(this.#letGo, lineage, key, tick);
  }
}

function remembers({ disk }: Lineage, key: string, stored: StoredKey): boolean {
  const version = versionIn(stored.value);
  return version !== undefined && disk.remembers(key, version);
}

function later(ticks: Ticks, lineage: Lineage, key: string, tick: number): void {
  const keys = ticks.get(lineage) ?? new Map<string, number>();
  ticks.set(lineage, keys.set(key, Math.max(tick, keys.get(key) ?? -1)));
}

function knownKeys(lineage: Lineage): Set<string> {
  const known = new Set(lineage.disk.rowKeys);
  for (const { key } of lineage.disk.entries) known.add(key);
  return known;
}
