import type { ITxnRequest } from "etcd3";
import { readsOf, writesOf } from "../txn_shape.ts";
import { broken, type Checker, fenceOf, type Lineage, type Operation } from "../world.ts";

/**
 * To look at what another put costs etcd no write: only where what is read may turn out to be the
 * node's own to delete, its fence moves along.
 */
export class WritesNothing implements Checker {
  readonly name = "P3 writes nothing";

  txnSent(lineage: Lineage, request: ITxnRequest, { kind }: Operation): void {
    // What is named to be deleted is no row's.
    if (kind === "delete-unclaimed") return;
    const { disk, name } = lineage;
    const read = readsOf(request);
    const isWrite = writesOf(request).some(({ key }) => key !== fenceOf(lineage));
    if (read.length === 0 || isWrite || disk.state?.adopting) return;
    for (const key of read) {
      const row = disk.row(key);
      if (row?.ours && row.mod === null) continue;
      broken(this, `${name} moves its fence to read ${key}, which is not its own`);
    }
  }
}
