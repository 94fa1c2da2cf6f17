import type { KeyChange } from "../etcd_ledger.ts";
import { broken, type Checker, type Lineage, type World, type Write } from "../world.ts";

/** Deletes count together for this long. */
const WINDOW_MS = 10 * 60_000;
/** So many keys may always go. */
const FREE_DELETES = 10;
/**
 * One or two deletes within ten seconds are everyday ones. Files that went at once may be missed in
 * two such spans, so that of fewer than five nothing is sure to count, and of more all but two.
 */
const EVERYDAY = 2;

interface Wave {
  /** When the files went, by a clock that only runs forward. */
  readonly atMs: number;
  deletes: number;
}

/**
 * No more than a share of a component's keys goes within ten minutes unless an operator confirms
 * it, however little of it goes at a time. For runs in which nobody confirms anything before all
 * comes to rest, no clock is set, no cache is lost, and no key comes while others go.
 */
export class BulkDeletes implements Checker {
  readonly name = "bulk deletes";
  readonly #world: () => World;
  readonly #maxDeletePercent: number;
  readonly #waves = new Map<string, Wave[]>();
  /** The most keys that a component has held. */
  readonly #most = new Map<string, number>();

  /**
   * @param world where
   * @param maxDeletePercent which share of a component's keys may go
   */
  constructor(world: () => World, maxDeletePercent: number) {
    this.#world = world;
    this.#maxDeletePercent = maxDeletePercent;
  }

  etcdChanged(changes: readonly KeyChange[], write: Write): void {
    if (write.by !== "agent" || this.#world().isComingToRest) return;
    const { lineage } = write;
    for (const { key, after } of changes) {
      if (after || !key.startsWith("/registry/")) continue;
      const owners = lineage.disk.row(key)?.owners ?? [];
      for (const component of new Set(owners.map((owner) => owner.component))) {
        this.#count(lineage, component, lineage.node.goneSinceMs(key, component));
      }
    }
    for (const [component, waves] of this.#waves) this.#judge(lineage, component, waves);
  }

  #count(lineage: Lineage, component: string, atMs: number | undefined): void {
    if (atMs === undefined) return;
    const name = `${lineage.name}: ${component}`;
    const waves = this.#waves.get(name) ?? [];
    this.#waves.set(name, waves);
    const wave = waves.find((one) => one.atMs === atMs);
    if (wave) wave.deletes++;
    else waves.push({ atMs, deletes: 1 });
    const held = lineage.disk.rowKeys.flatMap((key) => lineage.disk.row(key)?.owners ?? [])
      .filter((owner) => owner.component === component).length;
    this.#most.set(name, Math.max(held, this.#most.get(name) ?? 0));
  }

  #judge({ name: lineage }: Lineage, name: string, waves: readonly Wave[]): void {
    if (!name.startsWith(`${lineage}: `)) return;
    const sinceMs = this.#world().clock.monotonicMs - WINDOW_MS;
    let sure = 0;
    for (const { atMs, deletes } of waves) {
      if (atMs > sinceMs && deletes > 2 * EVERYDAY) sure += deletes - EVERYDAY;
    }
    const most = this.#most.get(name) ?? 0;
    if (sure <= FREE_DELETES || sure * 100 <= this.#maxDeletePercent * most) return;
    broken(this, `${name} loses ${sure} or more of ${most} keys in ten minutes`);
  }
}
