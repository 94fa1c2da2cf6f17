import type {
  IDeleteRangeRequest,
  IPutRequest,
  IRangeRequest,
  IRequestOp,
  ITxnRequest,
} from "etcd3";

/**
 * Keys inside the model are strings of one character a byte: they order as etcd orders bytes, and
 * serve as keys of a Map.
 */
export type ModelKey = string;

/**
 * The keys that a request means. `end` undefined: the key alone; `""`: every key from `begin` on;
 * else those below `end`.
 */
export interface KeyInterval {
  readonly begin: ModelKey;
  readonly end: ModelKey | undefined;
}

/** A request that covers keys, in the fields that all of them share. */
interface Keyed {
  readonly key?: Buffer;
  readonly range_end?: Buffer;
}

/** One operation of a Txn, told apart. */
export type Operation =
  | { readonly kind: "range"; readonly range: IRangeRequest }
  | { readonly kind: "put"; readonly put: IPutRequest }
  | { readonly kind: "delete"; readonly del: IDeleteRangeRequest }
  | { readonly kind: "txn"; readonly txn: ITxnRequest };

/** @returns the key of a request, `""` if it names none */
export function keyOf(request: { readonly key?: Buffer }): ModelKey {
  return request.key?.toString("latin1") ?? "";
}

/**
 * @param viaRaft whether etcd encodes the request again on its way: a `range_end` that was sent,
 *   but empty, is lost there and means the key alone, while a plain read takes it for "no end"
 * @returns the keys that a request covers
 */
export function intervalOf(request: Keyed, viaRaft: boolean): KeyInterval {
  const begin = keyOf(request);
  const sent = request.range_end?.toString("latin1");
  if (sent === undefined || (sent === "" && viaRaft)) return { begin, end: undefined };
  return { begin, end: sent === "\0" ? "" : sent };
}

/**
 * @returns the operation, or undefined if the op is empty. Of several fields that are set, etcd
 *   keeps the one that comes last in the message.
 */
export function operationOf(op: IRequestOp): Operation | undefined {
  if (op.request_txn) return { kind: "txn", txn: op.request_txn };
  if (op.request_delete_range) return { kind: "delete", del: op.request_delete_range };
  if (op.request_put) return { kind: "put", put: op.request_put };
  if (op.request_range) return { kind: "range", range: op.request_range };
  return undefined;
}

/** @returns true if etcd sends the Txn through raft: anything but ranges stands at its root */
export function isWrite(txn: ITxnRequest): boolean {
  return [...txn.success ?? [], ...txn.failure ?? []].some((op) =>
    operationOf(op)?.kind !== "range"
  );
}
