import type { ITxnRequest } from "etcd3";
import type { KeyChange } from "../etcd_ledger.ts";
import { fenceValue, writesOf } from "../txn_shape.ts";
import {
  broken,
  type Checker,
  fenceOf,
  isBy,
  type Lineage,
  type World,
  type Write,
} from "../world.ts";

/**
 * Invariant 3: a batch is applied in one Txn or not at all (but for keys whose own guard fails),
 * and a Txn of an earlier, given-up attempt can no longer apply.
 */
export class OneTxn implements Checker {
  readonly name = "3 one Txn";
  readonly #world: () => World;
  readonly #pending = new Map<Lineage, string>();
  /** By fence value: when the operation began that gave its Txn up, or settled it. */
  readonly #closed = new Map<string, number>();
  /** Fences that were deleted on purpose. */
  readonly #retired = new Set<string>();

  constructor(world: () => World) {
    this.#world = world;
  }

  kvChanged(lineage: Lineage): void {
    const before = this.#pending.get(lineage);
    const now = lineage.disk.header?.next;
    if (before !== undefined && before !== now) this.#closed.set(before, lineage.operationStart);
    if (now === undefined) this.#pending.delete(lineage);
    else this.#pending.set(lineage, now);
  }

  kvReplaced(lineage: Lineage): void {
    const now = lineage.disk.header?.next;
    if (now === undefined) this.#pending.delete(lineage);
    else this.#pending.set(lineage, now);
  }

  etcdChanged(changes: readonly KeyChange[], write: Write, request?: ITxnRequest): void {
    if (write.by !== "agent" || !request) return;
    const { lineage } = write;
    const fence = changes.find(({ key }) => key === fenceOf(lineage));
    const objects = changes.filter(({ key }) => key !== fenceOf(lineage));
    if (!fence) broken(this, `${lineage.name} writes ${objects[0]?.key} without moving the fence`);
    if (!fence.after) this.#retired.add(fence.key);
    if (!isBy(write, lineage)) return;

    const next = fenceValue(request);
    const { header, entries } = lineage.disk;
    const isBump = header !== undefined && next === header.bump;
    if (objects.length > 0 && next !== header?.next) {
      const closed = this.#closed.get(next) ?? 0;
      // An etcd that goes back in time takes back the bump that had made the Txn impossible: one
      // that is still on its way finds the fence as it was when it was sent. Nothing in a request
      // could tell the two times apart. Likewise, where a fence was taken away by retire, the very
      // first Txn of all can apply once more.
      const born = fence.before === undefined && this.#retired.has(fence.key);
      if (born || this.#world().replacedTick >= closed) return;
      broken(this, `a given-up Txn of ${lineage.name} applied to ${objects[0]?.key}`);
    }
    if (header === undefined || (next !== header.next && !isBump)) return;
    const planned = isBump ? [] : entries.filter(({ action }) => action !== "keep");
    const sent = writesOf(request).filter(({ key }) => key !== fenceOf(lineage));
    const same = sent.length === planned.length &&
      sent.every(({ action, key, guardMod }) =>
        planned.some((entry) =>
          entry.action === action && entry.key === key && entry.guardMod === guardMod
        )
      );
    if (!same) broken(this, `${lineage.name} sends another batch than its intent says`);
    if (isBump) lineage.killedTxns.add(header.next);
  }
}
