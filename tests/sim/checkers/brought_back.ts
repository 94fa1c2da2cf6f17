import type { KvDisk } from "../kv_disk.ts";
import { ownerName } from "../node_model.ts";
import { broken, type Checker, isBy, type Lineage, type Operation, type World } from "../world.ts";

/** What ends well only once all that it found out is put right. */
const WRITES: ReadonlySet<Operation["kind"]> = new Set([
  "group-pass",
  "replace-list",
  "create-object",
  "update-object",
  "delete-object",
  "delete-component",
  "delete-unclaimed",
]);

/**
 * The other half of invariant 5: an etcd that came back empty or older holds all held keys again as
 * soon as the operation ends well that has found it so, whoever it was that found it; and after a
 * full pass in any case.
 */
export class BroughtBack implements Checker {
  readonly name = "5 brought back";
  readonly #world: () => World;
  /** The cache's epoch, and since when it is in it. */
  readonly #epochs = new Map<Lineage, { readonly epoch: number; readonly sinceTick: number }>();
  readonly #begun = new Map<Operation, number>();
  /** When the last full pass that ended well began. */
  readonly #fullTick = new Map<Lineage, number>();

  constructor(world: () => World) {
    this.#world = world;
  }

  kvChanged(lineage: Lineage): void {
    const epoch = epochOf(lineage.disk);
    if (this.#epochs.get(lineage)?.epoch === epoch) return;
    this.#epochs.set(lineage, { epoch, sinceTick: this.#world().tick });
  }

  kvReplaced(lineage: Lineage): void {
    this.kvChanged(lineage);
  }

  operationBegins(operation: Operation): void {
    this.#begun.set(operation, epochOf(operation.lineage.disk));
  }

  operationEnded(operation: Operation, failure: Error | undefined): void {
    const before = this.#begun.get(operation);
    this.#begun.delete(operation);
    if (failure) return;
    const { lineage, kind, startTick, recoversFirst } = operation;
    const now = this.#epochs.get(lineage);
    const isFull = kind === "reconcile" || kind === "adopt";
    const isWrite = WRITES.has(kind);
    // What recovery finds before the operation proper is for the full pass that comes next.
    const found = now !== undefined && now.epoch !== before && !recoversFirst && isWrite;
    if (isFull) this.#fullTick.set(lineage, startTick);
    if (found || isFull) this.#check(operation, isFull, found ? now.sinceTick : startTick);
  }

  #check({ lineage, kind, startTick }: Operation, isFull: boolean, since: number): void {
    const { etcd, replacedTick } = this.#world();
    if (replacedTick >= since) return;
    const { disk, node, name } = lineage;
    // What changed since the last full pass may be recorded otherwise than it is.
    const stillSince = Math.min(startTick, this.#fullTick.get(lineage) ?? 0);
    for (const key of disk.rowKeys) {
      const owners = disk.row(key)?.owners.filter((owner) => !owner.fromApi) ?? [];
      // Only from a file that holds still can a key be put again; a backup is found by who looks.
      const steady = owners.every(({ component, gvr, older, resourceVersion }) => {
        const name = ownerName(component, gvr, older);
        const file = node.steadyFile(key, name, resourceVersion, stillSince);
        return file && (isFull || !file.backedUp);
      });
      if (owners.length === 0 || !steady || etcd.get(key)) continue;
      const deletion = etcd.deletionOf(key);
      if (deletion && deletion.tick >= since && !isBy(deletion, lineage)) continue;
      broken(this, `${name}: ${key} is not back after a ${kind}`);
    }
  }
}

function epochOf({ state }: KvDisk): number {
  return state?.epoch ?? 0;
}
