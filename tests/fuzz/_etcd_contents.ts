import { Buffer } from "node:buffer";
import type { ITxnRequest } from "etcd3";
import { EtcdError } from "../../lib/etcd/mod.ts";
import type { EtcdModel } from "../sim/etcd_model.ts";

/** What etcd holds now. */
export function contentsOf(model: EtcdModel): Map<string, string> {
  return new Map(model.dump().map((kv) => [kv.key.toString(), kv.value.toString("latin1")]));
}

/** Bytes as a text that can be compared. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** Every key that a Txn may put or delete, at any depth. */
export function keysWritten(request: ITxnRequest): string[] {
  const keys: string[] = [];
  for (const op of [...request.success ?? [], ...request.failure ?? []]) {
    if (op.request_txn) keys.push(...keysWritten(op.request_txn));
    const write = op.request_put ?? op.request_delete_range;
    if (write) keys.push(String(write.key));
    if (op.request_delete_range?.range_end) {
      throw new EtcdError("invalid", "a range is deleted");
    }
  }
  return keys;
}
