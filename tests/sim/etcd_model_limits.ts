import type {
  ICompare,
  IDeleteRangeRequest,
  IPutRequest,
  IRangeRequest,
  IRequestOp,
  ITxnRequest,
} from "etcd3";
import { keyOf, type ModelKey, operationOf } from "./etcd_model_request.ts";
import { Refusal } from "./etcd_model_refusals.ts";

/**
 * etcd's own check of a Txn's form: the larger of compares, successes and failures counts, level
 * by level down each path; every key must be named.
 *
 * @param budget how many operations the path may still hold
 * @throws {Refusal} as etcd refuses it
 */
export function checkForm(txn: ITxnRequest, budget: number): void {
  const { compare = [], success = [], failure = [] } = txn;
  const left = budget - Math.max(compare.length, success.length, failure.length);
  if (left < 0) throw new Refusal("tooManyOps");
  for (const one of compare) checkKey(one);
  for (const op of [...success, ...failure]) checkOperation(op, left);
}

/** The check of a range's form. @throws {Refusal} as etcd refuses it */
export function checkKey(request: { readonly key?: Buffer }): void {
  if (keyOf(request) === "") throw new Refusal("emptyKey");
}

function checkOperation(op: IRequestOp, budget: number): void {
  const operation = operationOf(op);
  switch (operation?.kind) {
    case "range":
      return checkKey(operation.range);
    case "put":
      return checkPut(operation.put);
    case "delete":
      return checkKey(operation.del);
    case "txn":
      return checkForm(operation.txn, budget);
    default:
      throw new Refusal("keyNotFound");
  }
}

function checkPut(put: IPutRequest): void {
  checkKey(put);
  if (put.ignore_value && put.value?.length) throw new Refusal("valueProvided");
  if (put.ignore_lease && Number(put.lease ?? 0) !== 0) throw new Refusal("leaseProvided");
}

/** The keys that a list of operations writes, branches of nested Txns included. */
interface Writes {
  readonly puts: ReadonlySet<ModelKey>;
  readonly deletes: readonly Deletion[];
}

/** What a delete covers, as etcd's overlap check sees it: up to, not including, `end`. */
interface Deletion {
  readonly begin: ModelKey;
  /** `""`: no end. The `\0` that means the same to the delete itself is taken literally here. */
  readonly end: ModelKey;
}

/**
 * etcd's check that no key is put twice, or put and deleted, down to its gaps: a delete without an
 * end clashes with nothing, neither does a put with the delete of a LATER sibling, and only the
 * two branches of one nested Txn may put the same key.
 *
 * @throws {Refusal} as etcd refuses it
 */
export function checkOverlaps(ops: readonly IRequestOp[] = []): Writes {
  const operations = ops.map(operationOf);
  const deletes: Deletion[] = [];
  for (const operation of operations) {
    if (operation?.kind === "delete") deletes.push(deletionOf(operation.del));
  }

  const puts = new Set<ModelKey>();
  const checkFree = (key: ModelKey, mayShare?: ReadonlySet<ModelKey>) => {
    if (puts.has(key) && !mayShare?.has(key)) throw new Refusal("duplicateKey");
    if (deletes.some(({ begin, end }) => begin <= key && (end === "" || key < end))) {
      throw new Refusal("duplicateKey");
    }
  };
  for (const operation of operations) {
    if (operation?.kind !== "txn") continue;
    const success = checkOverlaps(operation.txn.success);
    const failure = checkOverlaps(operation.txn.failure);
    for (const key of success.puts) {
      checkFree(key);
      puts.add(key);
    }
    for (const key of failure.puts) {
      checkFree(key, success.puts);
      puts.add(key);
    }
    deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const operation of operations) {
    if (operation?.kind !== "put") continue;
    const key = keyOf(operation.put);
    checkFree(key);
    puts.add(key);
  }
  return { puts, deletes };
}

function deletionOf(request: IDeleteRangeRequest): Deletion {
  const begin = keyOf(request);
  return { begin, end: request.range_end?.toString("latin1") || `${begin}\0` };
}

/**
 * @returns true if the Txn costs space in etcd's eyes: it holds a put at its root, in whichever
 *   branch. Nested puts are not counted.
 */
export function costsSpace(txn: ITxnRequest): boolean {
  return [...txn.success ?? [], ...txn.failure ?? []].some((op) => operationOf(op)?.kind === "put");
}

/** @returns the size of a Txn as protobuf encodes it */
export function txnSize({ compare = [], success = [], failure = [] }: ITxnRequest): number {
  let size = 0;
  for (const one of compare) size += message(compareSize(one));
  for (const op of [...success, ...failure]) size += message(operationSize(op));
  return size;
}

/**
 * @param memberId of the member that takes the request: the id it gives to a request begins with
 *   the last two bytes of its own
 * @returns the size of the raft entry that holds a Txn; this is what `--max-request-bytes` limits
 */
export function raftSize(txnBytes: number, memberId: string): number {
  const requestId = (BigInt(memberId) & 0xffffn) << 48n | 0xffffffffffffn;
  // The header's field number, 100, takes a tag of two bytes.
  return 1 + message(integer(requestId)) + message(txnBytes);
}

function operationSize(op: IRequestOp): number {
  const operation = operationOf(op);
  switch (operation?.kind) {
    case "range":
      return message(rangeSize(operation.range));
    case "put":
      return message(putSize(operation.put));
    case "delete":
      return message(deleteSize(operation.del));
    case "txn":
      return message(txnSize(operation.txn));
    default:
      return 0;
  }
}

function compareSize(one: ICompare): number {
  const { version, create_revision, mod_revision, lease } = one;
  const operand = version ?? create_revision ?? mod_revision ?? lease;
  return flag(isSet(one.result, "Equal")) + flag(isSet(one.target, "Version")) + bytes(one.key) +
    // Unlike plain fields, those of a oneof are written even if they are zero or empty.
    (one.value ? message(one.value.length) : 0) +
    (operand === undefined ? 0 : 1 + varint(BigInt(operand))) +
    // Field number 64 takes a tag of two bytes.
    (one.range_end?.length ? 1 + bytes(one.range_end) : 0);
}

function rangeSize(range: IRangeRequest): number {
  return bytes(range.key) + bytes(range.range_end) + integer(range.limit) +
    integer(range.revision) + flag(isSet(range.sort_order, "None")) +
    flag(isSet(range.sort_target, "Key")) + flag(range.serializable) + flag(range.keys_only) +
    flag(range.count_only) + integer(range.min_mod_revision) + integer(range.max_mod_revision) +
    integer(range.min_create_revision) + integer(range.max_create_revision);
}

function putSize(put: IPutRequest): number {
  return bytes(put.key) + bytes(put.value) + integer(put.lease) + flag(put.prev_kv) +
    flag(put.ignore_value) + flag(put.ignore_lease);
}

function deleteSize(del: IDeleteRangeRequest): number {
  return bytes(del.key) + bytes(del.range_end) + flag(del.prev_kv);
}

/** Whether an enum differs from its zero value, which is not written. */
function isSet(value: string | number | undefined, zero: string): boolean {
  return value !== undefined && value !== 0 && value !== zero;
}

function flag(set: boolean | undefined): number {
  return set ? 2 : 0;
}

function bytes(value: Uint8Array | undefined): number {
  return value?.length ? message(value.length) : 0;
}

function integer(value: string | number | bigint | undefined): number {
  const number = BigInt(value ?? 0);
  return number === 0n ? 0 : 1 + varint(number);
}

/** A field of a known length: tag, length, content. */
function message(length: number): number {
  return 1 + varint(BigInt(length)) + length;
}

function varint(value: bigint): number {
  let rest = BigInt.asUintN(64, value);
  let size = 1;
  while ((rest >>= 7n) > 0n) size++;
  return size;
}
