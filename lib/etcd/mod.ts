/**
 * etcd: the connection, its errors, and what is sent over it.
 *
 * @module
 */
export { EtcdConfigError } from "./config_error.ts";
export { connect, type EtcdOptions, MAX_ANSWER_BYTES } from "./connect.ts";
export { checkTlsFlags, type TlsFiles, type UserFiles } from "./credentials.ts";
export { parseEndpoints } from "./endpoints.ts";
export { EtcdError, type EtcdErrorReason } from "./errors.ts";
export type { Etcd } from "./etcd.ts";
export { ENVELOPE_BYTES, opBytes, txnBytes } from "./txn_size.ts";
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
