import { type FenceMove, txnInnerNodes, type TxnOp } from "./txn_tree.ts";

/** Protobuf: a tag below 16 takes one byte, a varint 7 bits a byte, a message its length first. */
const TAG = 1;
/** Tag and value of an enum below 128. */
const ENUM = 2;

const utf8 = new TextEncoder();

/** What etcd adds around a Txn in its log (header, ids), counted against `--max-request-bytes`. */
const ENVELOPE_BYTES = 512;

/**
 * What an encoded TxnRequest may have: the user's name stands in etcd's log beside it.
 *
 * @param maxRequestBytes etcd's `--max-request-bytes`
 * @param username `--etcd-username`, if given
 * @returns bytes, to be held against {@linkcode txnBytes}
 */
export function txnBudget(maxRequestBytes: number, username = ""): number {
  return maxRequestBytes - ENVELOPE_BYTES - utf8Bytes(username);
}

/**
 * Upper bound of what one operation adds to an encoded TxnRequest (rpc.proto of etcd), in bytes.
 *
 * @param op the operation
 * @param valueBytes size of a put's value, if it is not at hand yet
 */
export function opBytes(
  op: { readonly action: TxnOp["action"]; readonly key: string; readonly guardMod?: string | null },
  valueBytes = 0,
): number {
  const key = field(utf8Bytes(op.key));
  if (op.action === "read") return field(field(key));
  if (op.guardMod === null) return field(field(key + field(valueBytes)));
  const guard = field(ENUM + ENUM + key + TAG + varintOf(op.guardMod ?? "0"));
  const request = op.action === "put" ? key + field(valueBytes) : key;
  return field(field(guard + field(field(request))));
}

/**
 * Upper bound of an encoded TxnRequest as buildTxn makes it, in bytes.
 *
 * @param fence the fence's move
 * @param bytes sum of {@linkcode opBytes} over its operations
 * @param count how many operations it has
 * @param maxTxnOps what it is built with
 */
export function txnBytes(
  fence: FenceMove,
  bytes: number,
  count: number,
  maxTxnOps: number,
): number {
  const key = field(utf8Bytes(fence.key));
  const compare = field(ENUM + ENUM + key + field(fence.expected?.length ?? 1));
  const move = field(field(field(field(key + field(fence.next?.length ?? 0)))));
  // An inner node wraps its children twice; its length takes at most 4 bytes.
  const inner = txnInnerNodes(maxTxnOps, count) * 2 * (TAG + 4);
  return compare + move + bytes + inner;
}

/** A message of this many bytes as a field: tag, length, content. */
function field(bytes: number): number {
  return TAG + varint(bytes) + bytes;
}

function varint(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function varintOf(decimal: string): number {
  return varint(Number(decimal));
}

/** Size of a text as UTF-8, without encoding the ASCII that nearly every key is. */
function utf8Bytes(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : utf8.encode(text).length;
}
