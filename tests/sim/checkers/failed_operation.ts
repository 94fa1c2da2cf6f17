import { EdgekeydError } from "../../../lib/errors.ts";
import { KeyCacheError } from "../../../lib/keycache/mod.ts";
import type { KeyChange } from "../etcd_ledger.ts";
import { broken, type Checker, type Operation, type Write } from "../world.ts";

/**
 * What is answered as failed is not done: an operation of which no Txn was applied has changed no
 * owner of its component's.
 */
export class FailedOperation implements Checker {
  readonly name = "failed operation";
  /** Before each operation of which nothing was applied yet. */
  readonly #before = new Map<Operation, Before>();

  operationBegins(operation: Operation): void {
    const { kind, lineage } = operation;
    if (kind !== "replace-list" && kind !== "delete-component") return;
    // What is pending is settled first, whatever comes then.
    if (lineage.disk.header) return;
    const { epoch } = lineage.disk.state ?? {};
    this.#before.set(operation, { holdings: holdingsOf(operation), epoch });
  }

  etcdChanged(_: readonly KeyChange[], write: Write): void {
    if (write.by === "agent") this.#before.delete(write.operation);
  }

  etcdReplaced(): void {
    this.#before.clear();
  }

  operationEnded(operation: Operation, failure: Error | undefined): void {
    const before = this.#before.get(operation);
    this.#before.delete(operation);
    // A database that failed may have written all the same.
    const isAnswered = failure instanceof EdgekeydError && !(failure instanceof KeyCacheError);
    if (before === undefined || !isAnswered || holdingsOf(operation) === before.holdings) return;
    // Of what an etcd may hold that was found to have gone back, nothing may be forgotten.
    if (operation.lineage.disk.state?.epoch !== before.epoch) return;
    broken(this, `${operation.lineage.name}: a ${operation.kind} that failed has changed owners`);
  }
}

/** How things were before an operation. */
interface Before {
  /** What its component held. */
  readonly holdings: string;
  /** The cache's epoch; another one tells that etcd was found to have gone back. */
  readonly epoch: number | undefined;
}

/** What a component holds, as its row says. */
function holdingsOf({ lineage: { disk }, component }: Operation): string {
  return disk.rowKeys.flatMap((key) =>
    (disk.row(key)?.owners ?? []).filter((owner) => owner.component === component)
      .map(({ gvr, resourceVersion }) => `${key} ${gvr} ${resourceVersion}`)
  ).sort().join("\n");
}
