import type {
  ICompare,
  IKeyValue,
  IRangeRequest,
  IRangeResponse,
  IRequestOp,
  IResponseHeader,
  ITxnRequest,
  ITxnResponse,
} from "etcd3";

/**
 * The messages of etcd's v3 API (rpc.proto, kv.proto), in the shapes of etcd3: bytes as Buffers,
 * int64s as decimal strings in answers, enums by name (`Mod`, `Equal`).
 *
 * @module
 */

/** A range read. */
export type RangeRequest = IRangeRequest;
/** What a range holds. */
export type RangeResponse = IRangeResponse;
/** A Txn: what it compares, and what it does if all hold, or if one does not. */
export type TxnRequest = ITxnRequest;
/** What a Txn came to. */
export type TxnResponse = ITxnResponse;
/** One operation of a Txn; exactly one of its fields is set. */
export type RequestOp = IRequestOp;
/** One compare of a Txn. */
export type Compare = ICompare;
/** A key as etcd holds it. */
export type KeyValue = IKeyValue;
/** Which cluster answers, and at which revision. */
export type ResponseHeader = IResponseHeader;
