import type { KeyChange } from "../etcd_ledger.ts";
import { isLookedAt, isNarrow } from "../flags.ts";
import type { HeldFile } from "../node_model.ts";
import {
  broken,
  type Checker,
  type Lineage,
  type Operation,
  type World,
  type Write,
} from "../world.ts";

/** Who holds what by a file that is not looked at: `key component gvr`. */
type Holdings = ReadonlySet<string>;

/**
 * What a run is told not to look at stays what it is: nobody takes a key up for it, nobody lets go
 * of one whose file stands, and a key whose file stands is not deleted.
 */
export class NotLookedAt implements Checker {
  readonly name = "not looked at";
  /** Of passes that are told to leave something out; what was pending before them may be written. */
  readonly #before = new Map<Operation, Holdings>();
  readonly #operations = new Map<Lineage, Operation>();
  /** Mod revisions of keys that were as recorded when a pass began. */
  readonly #inStep = new WeakMap<Operation, ReadonlyMap<string, string>>();
  readonly #world: () => World;

  constructor(world: () => World) {
    this.#world = world;
  }

  operationBegins(operation: Operation): void {
    const { kind, flags, lineage } = operation;
    this.#operations.delete(lineage);
    const isPass = kind === "reconcile" || kind === "adopt" || kind === "group-pass";
    if (!isPass || !isNarrow(flags) || lineage.disk.header) return;
    this.#before.set(operation, holdingsOf(operation));
    const inStep = new Map<string, string>();
    for (const key of lineage.disk.rowKeys) {
      const mod = lineage.disk.row(key)?.mod;
      if (mod && mod === String(this.#world().etcd.get(key)?.mod)) inStep.set(key, mod);
    }
    this.#inStep.set(operation, inStep);
    this.#operations.set(lineage, operation);
  }

  kvChanged(lineage: Lineage): void {
    const operation = this.#operations.get(lineage);
    const before = operation && this.#before.get(operation);
    if (!operation || !before) return;
    const now = holdingsOf(operation);
    for (const one of now.difference(before)) {
      // Where a component lets go after all, what else of its own holds the key is taken up.
      const ofComponent = one.slice(0, one.lastIndexOf(" ") + 1);
      if ([...before].some((other) => other.startsWith(ofComponent))) continue;
      broken(this, `${lineage.name} takes up ${one}, which it is not to look at`);
    }
    for (const one of before.difference(now)) {
      const [key = "", component, gvr] = one.split(" ");
      const isOf = (file: HeldFile) => file.component === component && file.gvr === gvr;
      if (!lineage.node.heldSince(key, operation.startTick, isOf, () => false)) continue;
      broken(this, `${lineage.name} lets go of ${one}, which it is not to look at`);
    }
  }

  kvReplaced(lineage: Lineage): void {
    this.#operations.delete(lineage);
  }

  etcdChanged(changes: readonly KeyChange[], write: Write): void {
    if (write.by !== "agent" || write.tick !== write.sentTick) return;
    const { lineage, operation } = write;
    const before = this.#before.get(operation);
    // What went missing in etcd, or came back, had to be looked at.
    if (!before || this.#world().replacedTick >= operation.startTick) return;
    for (const { key, before: stored, after } of changes) {
      const row = after ? undefined : lineage.disk.row(key);
      const owner = row?.owners.find(({ component, gvr }) =>
        before.has(`${key} ${component} ${gvr}`)
      );
      const mod = stored && String(stored.mod);
      if (owner && this.#inStep.get(operation)?.get(key) === mod) {
        broken(this, `${lineage.name} deletes ${key} of ${owner.component}, not to be looked at`);
      }
    }
  }

  operationEnded(operation: Operation): void {
    this.#before.delete(operation);
    this.#operations.delete(operation.lineage);
  }
}

function holdingsOf({ flags, lineage: { disk } }: Operation): Holdings {
  const holdings = new Set<string>();
  for (const key of disk.rowKeys) {
    for (const { component, gvr, fromApi } of disk.row(key)?.owners ?? []) {
      if (!fromApi && !isLookedAt(flags, component, gvr)) {
        holdings.add(`${key} ${component} ${gvr}`);
      }
    }
  }
  return holdings;
}
