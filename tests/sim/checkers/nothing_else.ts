import type { ITxnRequest } from "etcd3";
import { RESOURCES } from "../cloud.ts";
import type { KeyChange } from "../etcd_ledger.ts";
import {
  broken,
  type Checker,
  fenceOf,
  type Lineage,
  type Operation,
  type Write,
} from "../world.ts";

/**
 * Invariant 6: nothing outside the owned keys and the fence is ever written, and a replace of one
 * namespace touches that namespace only.
 */
export class NothingElse implements Checker {
  readonly name = "6 nothing else";
  /** The cache's epoch when an operation began. */
  readonly #epochs = new WeakMap<Operation, number | undefined>();
  readonly #healing = new WeakSet<ITxnRequest>();

  operationBegins(operation: Operation): void {
    this.#epochs.set(operation, operation.lineage.disk.state?.epoch);
  }

  txnSent({ disk }: Lineage, request: ITxnRequest, operation: Operation): void {
    if (disk.state?.epoch !== this.#epochs.get(operation)) this.#healing.add(request);
  }

  etcdChanged(changes: readonly KeyChange[], write: Write, request?: ITxnRequest): void {
    if (write.by !== "agent") return;
    const { lineage, operation } = write;
    if (operation.kind === "verify" || operation.kind === "dry-run") {
      broken(this, `${operation.kind} writes ${changes[0]?.key}`);
    }
    for (const { key } of changes) {
      if (key === fenceOf(lineage)) continue;
      if (!RESOURCES.some(({ keyPrefix }) => key.startsWith(keyPrefix))) {
        broken(this, `${lineage.name} writes ${key}`);
      }
      // An etcd that went back is brought to agreement by whoever finds that out.
      const healing = request !== undefined && this.#healing.has(request);
      if (operation.within !== undefined && !key.startsWith(operation.within) && !healing) {
        broken(this, `${lineage.name} writes ${key} in a replace of ${operation.within}`);
      }
    }
  }
}
