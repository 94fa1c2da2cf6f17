import type { ITxnRequest } from "etcd3";
import protobuf from "protobufjs";

const TXN_REQUEST = "etcdserverpb.TxnRequest";
const rpc = new protobuf.Root();
rpc.loadSync(
  new URL("../proto/rpc.proto", import.meta.resolve("etcd3")).pathname,
  { keepCase: true },
);
const txnRequest = rpc.lookupType(TXN_REQUEST);

/**
 * Encodes a Txn as etcd3 sends it: with etcd3's own rpc.proto, enums by name.
 *
 * @param request the Txn
 * @returns the protobuf bytes
 */
export function encodeTxn(request: ITxnRequest): Uint8Array {
  return txnRequest.encode(txnRequest.fromObject(request)).finish();
}
