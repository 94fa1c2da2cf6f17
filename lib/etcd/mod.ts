/**
 * etcd: the connection, its errors, and what is sent over it.
 *
 * @module
 */
export { badAnswer } from "./bad_answer.ts";
export { type Exposure, exposuresOf, type SecretPlaces } from "./exposures.ts";
export { EtcdConfigError } from "./config_error.ts";
export { connect, type EtcdOptions } from "./connect.ts";
export { checkTlsFlags, type TlsFiles, type UserFiles } from "./credentials.ts";
export { longestCallMs } from "./deadline.ts";
export { parseEndpoints } from "./endpoints.ts";
export { ETCD_ERROR_REASONS, EtcdError, type EtcdErrorReason } from "./errors.ts";
export type { Etcd, RangesResponse } from "./etcd.ts";
export type { Lease, Leases } from "./leases.ts";
export type { KeyWatch, WatchEvent, WatchRequest } from "./key_watch.ts";
export type {
  Compare,
  KeyValue,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseHeader,
  TxnRequest,
  TxnResponse,
} from "./messages.ts";
export { opBytes, txnBudget, txnBytes } from "./txn_size.ts";
export {
  buildTxn,
  type FenceMove,
  readTxn,
  txnCapacity,
  txnLevels,
  type TxnOp,
  type TxnOpResult,
  type VacantSpan,
} from "./txn_tree.ts";
