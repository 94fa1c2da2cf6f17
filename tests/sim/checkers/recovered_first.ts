import type { ITxnRequest } from "etcd3";
import { FenceError } from "../../../lib/store/mod.ts";
import type { KeyChange } from "../etcd_ledger.ts";
import { fenceValue, isRehearsal, writesOf } from "../txn_shape.ts";
import {
  broken,
  type Checker,
  fenceOf,
  isBy,
  type Lineage,
  type Operation,
  type World,
  type Write,
} from "../world.ts";

/**
 * Invariant 5: after a crash at any point, or an etcd that came back empty or older, the next start
 * brings cache and etcd to agreement before its first new write; and where the fence is not this
 * cache's, it refuses.
 */
export class RecoveredFirst implements Checker {
  readonly name = "5 recovered first";
  readonly #world: () => World;
  /** When a lineage last asked for the fence, and whether what it was told is another's. */
  readonly #lastRead = new Map<Lineage, { readonly tick: number; readonly isForeign: boolean }>();
  /** When another, or a late Txn, last moved a lineage's fence. */
  readonly #movedTick = new Map<Lineage, number>();
  /** Fence values under which an operation must refuse. */
  readonly #mustRefuse = new Map<Operation, string>();

  constructor(world: () => World) {
    this.#world = world;
  }

  txnSent(lineage: Lineage, request: ITxnRequest, operation: Operation): void {
    const writes = writesOf(request);
    if (writes.length === 0) return;
    const next = fenceValue(request);
    if (operation.kind === "dry-run" && isRehearsal(request)) return;
    const isFarewell = operation.kind === "retire" && next === "" && writes.length === 1;
    if (isFarewell) return;
    const { header } = lineage.disk;
    if (!header) broken(this, `${lineage.name} sends a Txn that is not written down`);
    if (next !== header.next && next !== header.bump) {
      broken(this, `${lineage.name} sends a Txn while another one is pending`);
    }
  }

  operationBegins(operation: Operation): void {
    const { lineage, kind } = operation;
    if (kind === "adopt" || kind === "verify") return;
    const fence = this.#world().etcd.get(fenceOf(lineage))?.value.toString();
    if (fence !== undefined && mustRefuse(lineage, fence)) this.#mustRefuse.set(operation, fence);
  }

  etcdRead(lineage: Lineage, first: string, _end: string, isNow: boolean): void {
    if (!isNow || first !== fenceOf(lineage)) return;
    const { etcd, tick } = this.#world();
    const stored = etcd.get(first);
    const isForeign = stored !== undefined && !isBy(etcd.writeOf(stored), lineage);
    this.#lastRead.set(lineage, { tick, isForeign });
  }

  etcdChanged(changes: readonly KeyChange[], write: Write): void {
    for (const lineage of this.#world().lineages) {
      const isOwn = write.by === "agent" && write.lineage === lineage &&
        write.sentTick === write.tick;
      if (isOwn || !changes.some(({ key }) => key === fenceOf(lineage))) continue;
      this.#movedTick.set(lineage, write.tick);
    }
    if (write.by !== "agent") return;
    const { operation, lineage } = write;
    const foreign = this.#mustRefuse.get(operation);
    if (foreign === undefined || !isBy(write, lineage)) return;
    const fence = changes.find(({ key }) => key === fenceOf(lineage));
    if (fence?.before?.value.toString() !== foreign) return;
    broken(this, `${lineage.name} writes under a fence of another's`);
  }

  operationEnded(operation: Operation, failure: Error | undefined): void {
    const { lineage } = operation;
    const fence = this.#world().etcd.get(fenceOf(lineage))?.value.toString();
    const foreign = this.#mustRefuse.get(operation);
    this.#mustRefuse.delete(operation);
    // It may have been gone, and come back after the last look.
    const stood = this.#world().replacedTick < operation.startTick;
    // A daemon's operation that finds nothing to do does not ask etcd.
    const looked = operation.recoversFirst;
    if (failure === undefined && foreign !== undefined && fence === foreign && stood && looked) {
      broken(this, `${lineage.name} goes on under a fence of another's`);
    }
    const wrote = operation.kind !== "verify" && operation.kind !== "dry-run";
    if (failure === undefined && wrote && lineage.disk.header) {
      broken(this, `${lineage.name} ended well and left an intent`);
    }
    if (failure === undefined && ["reconcile", "adopt"].includes(operation.kind)) {
      this.#checkFence(lineage);
    }
    if (failure instanceof FenceError) this.#checkRefusal(operation);
  }

  /** A full pass that ended well has seen what became of the fence before it last read it. */
  #checkFence(lineage: Lineage): void {
    const { etcd, replacedTick } = this.#world();
    const changedTick = Math.max(replacedTick, this.#movedTick.get(lineage) ?? -1);
    if ((this.#lastRead.get(lineage)?.tick ?? -1) <= changedTick) return;
    const fence = etcd.get(fenceOf(lineage))?.value.toString() ?? null;
    if (fence !== (lineage.disk.state?.expected ?? null)) {
      broken(this, `${lineage.name} ended well, and its fence is not what it expects`);
    }
  }

  /**
   * It may refuse only what it did not write, or cannot know any more: the part of its life that was
   * lost may have left a fence in a copy of etcd, or in a Txn that was still on its way, and what it
   * wrote before that is then not beyond what it wrote down. What it was told last counts: until it
   * has ended, etcd may be put back to a copy in which the fence is its own.
   */
  #checkRefusal({ lineage, startTick }: Operation): void {
    const read = this.#lastRead.get(lineage);
    const wasToldSo = read !== undefined && read.tick > startTick && read.isForeign;
    if (wasToldSo || lineage.lost.length > 0) return;
    broken(this, `${lineage.name} refuses to go on, and its fence is its own`);
  }
}

/** The table of the commit protocol, once more. */
function mustRefuse({ disk }: Lineage, fence: string): boolean {
  const { state, header, life } = disk;
  if (fence === (state?.expected ?? null)) return false;
  if (header && (fence === header.next || fence === header.bump)) return false;
  const [writer, seq = ""] = fence.split("/");
  return writer !== life || Number(seq) >= (state?.seq ?? 0);
}
