import type { KeyValue } from "../../../lib/etcd/mod.ts";
import {
  broken,
  type Checker,
  fenceOf,
  type Lineage,
  type Operation,
  type World,
} from "../world.ts";

/**
 * A full pass that was shown another fence than its own, on whatever page of what it read, does not
 * end well while etcd holds that fence: what it read is of two pasts. What comes after the last look
 * nobody can know.
 */
export class ShownFence implements Checker {
  readonly name = "shown fence";
  readonly #world: () => World;
  /** What each lineage was shown last if that was not its own. */
  readonly #shown = new Map<Lineage, Shown>();

  constructor(world: () => World) {
    this.#world = world;
  }

  etcdRead(
    lineage: Lineage,
    first: string,
    _end: string,
    _isNow: boolean,
    kvs: readonly KeyValue[],
  ): void {
    if (first !== fenceOf(lineage)) return;
    const fence = kvs[0]?.value.toString() ?? null;
    if (fence === expectedBy(lineage)) this.#shown.delete(lineage);
    else this.#shown.set(lineage, { fence, tick: this.#world().tick });
  }

  operationEnded({ kind, lineage, startTick }: Operation, failure: Error | undefined): void {
    const shown = this.#shown.get(lineage);
    if (failure || kind !== "reconcile" || !shown || shown.tick < startTick) return;
    const { etcd, replacedTick } = this.#world();
    const is = etcd.get(fenceOf(lineage))?.value.toString() ?? null;
    if (replacedTick > shown.tick || is !== shown.fence || is === expectedBy(lineage)) return;
    broken(this, `${lineage.name} was shown another fence than its own, and ended well`);
  }
}

interface Shown {
  /** null: that there is none. */
  readonly fence: string | null;
  readonly tick: number;
}

function expectedBy({ disk }: Lineage): string | null {
  return disk.state?.expected ?? null;
}
