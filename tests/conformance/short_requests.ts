import type { ICompare, IRequestOp, ITxnRequest } from "etcd3";
import { bytes } from "./requests.ts";

/** Operations in as few words as possible, for tests written by hand. */

/** Puts a key. */
export function put(key: string, value = ""): IRequestOp {
  return { request_put: { key: bytes(key), value: bytes(value) } };
}

/** Deletes a key, or a range. */
export function del(key: string, end?: string): IRequestOp {
  return { request_delete_range: keys(key, end) };
}

/** Reads a key, or a range. */
export function get(key: string, end?: string): IRequestOp {
  return { request_range: keys(key, end) };
}

/** A Txn in a Txn. */
export function nested(txn: ITxnRequest): IRequestOp {
  return { request_txn: txn };
}

/** True if the key is not there, or nothing in the range is. */
export function absent(key: string, end?: string): ICompare {
  return { ...keys(key, end), target: "Version", result: "Equal", version: 0 };
}

/** True if the key, or each key in the range, was last written at that revision. */
export function unchanged(key: string, revision: number): ICompare {
  return { ...keys(key), target: "Mod", result: "Equal", mod_revision: revision };
}

/** The fields that a key, or the range from it to an end, takes in any request. */
export function keys(key: string, end?: string): { key: Buffer; range_end?: Buffer } {
  return end === undefined ? { key: bytes(key) } : { key: bytes(key), range_end: bytes(end) };
}
