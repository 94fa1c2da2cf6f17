import {
  CompareResult,
  CompareTarget,
  type ICompare,
  type IDeleteRangeRequest,
  type IDeleteRangeResponse,
  type IPutRequest,
  type IPutResponse,
  type IRangeRequest,
  type IResponseOp,
  type ITxnRequest,
  type ITxnResponse,
} from "etcd3";
import { answerRange, enumValue, innerHeader, int, keyValue } from "./etcd_model_range.ts";
import { intervalOf, isWrite, keyOf, type Operation, operationOf } from "./etcd_model_request.ts";
import { Refusal } from "./etcd_model_refusals.ts";
import type { RevisionStore, StoredKey } from "./etcd_model_store.ts";

/** A Txn whose compares have been evaluated: the operations of the branch that they chose. */
interface Chosen {
  readonly succeeded: boolean;
  readonly operations: readonly ChosenOperation[];
}

type ChosenOperation =
  | Exclude<Operation, { kind: "txn" }>
  | { readonly kind: "txn"; readonly chosen: Chosen };

/** A key that is not there compares as zeros. */
const ABSENT: StoredKey = { key: "", value: Buffer.alloc(0), create: 0, mod: 0, version: 0 };

/**
 * Runs one Txn, whose form has been checked: all compares on the state before it, then the checks
 * of the chosen branches, then their operations in order, all writes at one revision.
 *
 * @param putsFirst whether all puts are checked before all ranges, and not in the order they stand
 * @throws {Refusal} as etcd refuses it; then nothing has been written
 */
export function runTxn(
  store: RevisionStore,
  request: ITxnRequest,
  putsFirst: boolean,
): ITxnResponse {
  const viaRaft = isWrite(request);
  const chosen = choose(store, request, viaRaft);
  const operations = [...flat(chosen)];
  if (putsFirst) operations.sort((a, b) => Number(b.kind === "put") - Number(a.kind === "put"));
  for (const operation of operations) check(store, operation);
  const answer = execute(store, chosen, viaRaft);
  store.commit();
  return { ...answer, header: innerHeader(store.revision) };
}

function choose(store: RevisionStore, request: ITxnRequest, viaRaft: boolean): Chosen {
  const succeeded = (request.compare ?? []).every((one) => holds(store, one, viaRaft));
  const operations: ChosenOperation[] = [];
  for (const op of (succeeded ? request.success : request.failure) ?? []) {
    const operation = operationOf(op);
    if (operation?.kind === "txn") {
      operations.push({ kind: "txn", chosen: choose(store, operation.txn, viaRaft) });
    } else if (operation) {
      operations.push(operation);
    }
  }
  return { succeeded, operations };
}

function holds(store: RevisionStore, one: ICompare, viaRaft: boolean): boolean {
  const target = enumValue(CompareTarget, one.target);
  const found = store.range(intervalOf(one, viaRaft));
  // A value that is not there equals nothing and differs from nothing.
  if (found.length === 0) return target !== CompareTarget.Value && compare(ABSENT, one, target);
  return found.every((stored) => compare(stored, one, target));
}

function compare(stored: StoredKey, one: ICompare, target: CompareTarget): boolean {
  const difference = {
    [CompareTarget.Version]: () => stored.version - int(one.version),
    [CompareTarget.Create]: () => stored.create - int(one.create_revision),
    [CompareTarget.Mod]: () => stored.mod - int(one.mod_revision),
    [CompareTarget.Value]: () => Buffer.compare(stored.value, one.value ?? ABSENT.value),
    [CompareTarget.Lease]: () => -int(one.lease),
  }[target]();
  switch (enumValue(CompareResult, one.result)) {
    case CompareResult.Equal:
      return difference === 0;
    case CompareResult.NotEqual:
      return difference !== 0;
    case CompareResult.Greater:
      return difference > 0;
    case CompareResult.Less:
      return difference < 0;
  }
}

/** The operations that a Txn will run, in order, those of nested Txns in their places. */
function* flat(chosen: Chosen): Generator<Exclude<Operation, { kind: "txn" }>> {
  for (const operation of chosen.operations) {
    if (operation.kind === "txn") yield* flat(operation.chosen);
    else yield operation;
  }
}

function check(store: RevisionStore, operation: Operation): void {
  if (operation.kind === "put") checkPut(store, operation.put);
  if (operation.kind === "range") checkRevision(store, operation.range);
}

function checkPut(store: RevisionStore, put: IPutRequest): void {
  const absent = store.range({ begin: keyOf(put), end: undefined }).length === 0;
  if ((put.ignore_value || put.ignore_lease) && absent) throw new Refusal("keyNotFound");
  if (int(put.lease) !== 0) throw new Refusal("leaseNotFound");
}

function checkRevision(store: RevisionStore, range: IRangeRequest): void {
  const revision = int(range.revision);
  if (revision > store.revision) throw new Refusal("futureRevision");
  if (revision !== 0 && revision < store.compacted) throw new Refusal("compacted");
}

function execute(store: RevisionStore, chosen: Chosen, viaRaft: boolean): ITxnResponse {
  // The header of a nested Txn is left empty by etcd.
  const responses = chosen.operations.map((operation) => answer(store, operation, viaRaft));
  return { header: innerHeader(0), succeeded: chosen.succeeded, responses };
}

/**
 * etcd3 gives each answer the one field that applies, and that field's name in `response`; its
 * type declares all of them, always.
 */
function answer(store: RevisionStore, operation: ChosenOperation, viaRaft: boolean): IResponseOp {
  switch (operation.kind) {
    case "range": {
      const response_range = answerRange(store, operation.range, viaRaft);
      return { response: "response_range", response_range } as Partial<IResponseOp> as IResponseOp;
    }
    case "put": {
      const response_put = put(store, operation.put);
      return { response: "response_put", response_put } as Partial<IResponseOp> as IResponseOp;
    }
    case "delete": {
      const response_delete_range = del(store, operation.del, viaRaft);
      return { response: "response_delete_range", response_delete_range } as Partial<
        IResponseOp
      > as IResponseOp;
    }
    case "txn": {
      const response_txn = execute(store, operation.chosen, viaRaft);
      return { response: "response_txn", response_txn } as Partial<IResponseOp> as IResponseOp;
    }
  }
}

function put(store: RevisionStore, request: IPutRequest): IPutResponse {
  const key = keyOf(request);
  const [before] = store.range({ begin: key, end: undefined });
  if (!before && (request.ignore_value || request.ignore_lease)) {
    throw new Error("etcd would panic: a Txn deletes a key and then puts it with ignore_value");
  }
  store.put(key, (request.ignore_value ? before?.value : request.value) ?? ABSENT.value);
  return {
    header: innerHeader(store.current),
    // etcd3's type does not say it, but what is not there is null.
    prev_kv: (request.prev_kv && before ? keyValue(before) : null) as IPutResponse["prev_kv"],
  };
}

function del(
  store: RevisionStore,
  request: IDeleteRangeRequest,
  viaRaft: boolean,
): IDeleteRangeResponse {
  const interval = intervalOf(request, viaRaft);
  const before = request.prev_kv ? store.range(interval) : [];
  const deleted = store.delete(interval);
  return {
    header: innerHeader(store.current),
    deleted: String(deleted),
    prev_kvs: before.map((stored) => keyValue(stored)),
  };
}
