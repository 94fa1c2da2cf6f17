import {
  type IKeyValue,
  type IRangeRequest,
  type IRangeResponse,
  type IResponseHeader,
  SortOrder,
  SortTarget,
} from "etcd3";
import { intervalOf } from "./etcd_model_request.ts";
import { Refusal } from "./etcd_model_refusals.ts";
import type { RevisionStore, StoredKey } from "./etcd_model_store.ts";

/**
 * Keys that are equal in what they are sorted by stay in the order of keys. A real etcd does that
 * for a few keys only, and promises nothing.
 */
const ORDERS: Record<SortTarget, (a: StoredKey, b: StoredKey) => number> = {
  [SortTarget.Key]: (a, b) => a.key < b.key ? -1 : 1,
  [SortTarget.Version]: (a, b) => a.version - b.version,
  [SortTarget.Create]: (a, b) => a.create - b.create,
  [SortTarget.Mod]: (a, b) => a.mod - b.mod,
  [SortTarget.Value]: (a, b) => Buffer.compare(a.value, b.value),
};

/**
 * Answers a range, alone or in a Txn.
 *
 * @param viaRaft see `intervalOf`
 * @throws {Refusal} if the revision is compacted or in the future
 */
export function answerRange(
  store: RevisionStore,
  request: IRangeRequest,
  viaRaft: boolean,
): IRangeResponse {
  const revision = int(request.revision);
  if (revision > store.current) throw new Refusal("futureRevision");
  if (revision > 0 && revision < store.compacted) throw new Refusal("compacted");

  const found = store.range(intervalOf(request, viaRaft), revision > 0 ? revision : store.current);
  const order = enumValue(SortOrder, request.sort_order);
  const target = enumValue(SortTarget, request.sort_target);
  const limit = int(request.limit);
  let kvs = request.count_only ? [] : found;
  // Without an order, etcd cuts first and sorts what is left. One more than asked for tells `more`.
  const cutFirst = limit > 0 && order === SortOrder.None && !isFiltered(request);
  if (cutFirst) kvs = kvs.slice(0, limit + 1);
  kvs = kvs.filter((kv) => passes(kv, request));
  const ascending = ORDERS[target];
  kvs.sort(order === SortOrder.Descend ? (a, b) => ascending(b, a) : ascending);

  const more = limit > 0 && kvs.length > limit;
  if (more) kvs = kvs.slice(0, limit);
  return {
    header: innerHeader(store.current),
    kvs: kvs.map((kv) => keyValue(kv, request.keys_only)),
    more,
    count: String(found.length),
  };
}

/** The header of an answer inside a Txn: it holds nothing but a revision. */
export function innerHeader(revision: number): IResponseHeader {
  return { cluster_id: "0", member_id: "0", revision: String(revision), raft_term: "0" };
}

/** @returns a stored key as etcd3 gives it, with buffers of its own */
export function keyValue(stored: StoredKey, keysOnly = false): IKeyValue {
  return {
    key: Buffer.from(stored.key, "latin1"),
    create_revision: String(stored.create),
    mod_revision: String(stored.mod),
    version: String(stored.version),
    value: keysOnly ? Buffer.alloc(0) : Buffer.from(stored.value),
    lease: "0",
  };
}

/** @returns an int64 of a request as a number; absent is 0 */
export function int(value: string | number | undefined): number {
  return Number(value ?? 0);
}

/** @returns an enum of a request; as in etcd3, a name that it does not know silently becomes 0 */
export function enumValue<T extends number>(
  names: Record<string, T | string>,
  value: string | T | undefined,
): T {
  const found = typeof value === "string" ? names[value] : value;
  return (typeof found === "number" ? found : 0) as T;
}

function isFiltered(request: IRangeRequest): boolean {
  return int(request.min_mod_revision) !== 0 || int(request.max_mod_revision) !== 0 ||
    int(request.min_create_revision) !== 0 || int(request.max_create_revision) !== 0;
}

function passes({ mod, create }: StoredKey, request: IRangeRequest): boolean {
  return mod >= lowest(request.min_mod_revision) && mod <= highest(request.max_mod_revision) &&
    create >= lowest(request.min_create_revision) && create <= highest(request.max_create_revision);
}

function lowest(bound: string | number | undefined): number {
  return int(bound) || -Infinity;
}

function highest(bound: string | number | undefined): number {
  return int(bound) || Infinity;
}
