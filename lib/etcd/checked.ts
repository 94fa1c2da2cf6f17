import { Buffer } from "node:buffer";
import { badAnswer } from "./bad_answer.ts";
import type { EtcdError } from "./errors.ts";
import type { Etcd, RangesResponse } from "./etcd.ts";
import type { WatchEvent, WatchRequest } from "./key_watch.ts";
import type { Lease, Leases } from "./leases.ts";
import type {
  KeyValue,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseHeader,
  TxnRequest,
  TxnResponse,
} from "./messages.ts";

/**
 * Compares each answer of an etcd with what was asked, so that nobody else has to: the types only
 * say what should come. A proxy that mixes answers up, or something that is no etcd, ends in an
 * error that leaves a Txn in doubt, instead of in a wrong plan or a loop without end.
 *
 * @param etcd gives the answers
 * @returns the same etcd; it throws `bad-answer` where an answer can't be one
 */
export function checked(etcd: Etcd): Etcd {
  return {
    async range(request) {
      const answer = await etcd.range(request);
      if (!hasHeader(answer) || !answersRange(answer, request, revisionOf(answer))) {
        throw badAnswer("a range");
      }
      return answer;
    },
    async rangeAll(requests) {
      const answer = await etcd.rangeAll(requests);
      if (!hasHeader(answer) || !answersRanges(answer, requests, revisionOf(answer))) {
        throw badAnswer("several ranges");
      }
      return answer;
    },
    async txn(request, bytes) {
      const answer = await etcd.txn(request, bytes);
      if (!hasHeader(answer) || !answersTxn(answer, request, revisionOf(answer))) {
        throw badAnswer("a Txn");
      }
      return answer;
    },
    hasNoSpaceAlarm: () => etcd.hasNoSpaceAlarm(),
    async watch(request, told) {
      let failure: EtcdError | undefined;
      let close = () => {};
      const watch = await etcd.watch(request, (event) => {
        if (isAskedFor(event, request)) return told(event);
        failure ??= badAnswer("a watch");
        close();
      });
      close = () => watch.close();
      if (!hasHeader(watch)) failure ??= badAnswer("a watch");
      if (!failure) return { ...watch, ended: watch.ended.then((why) => failure ?? why) };
      close();
      throw failure;
    },
    leases: etcd.leases && checkedLeases(etcd.leases),
    close: () => etcd.close(),
  };
}

function checkedLeases(leases: Leases): Leases {
  return {
    async grant(ttlSeconds) {
      const lease = await leases.grant(ttlSeconds);
      if (!isLease(lease)) throw badAnswer("a new lease");
      return lease;
    },
    async keep(id) {
      const lease = await leases.keep(id);
      if (lease !== undefined && (!isLease(lease) || lease.id !== id)) throw badAnswer("a lease");
      return lease;
    },
  };
}

function isLease(lease: Doubtful<Lease>): boolean {
  return matches(lease?.id, REVISION) && Number.isSafeInteger(lease?.ttlSeconds);
}

/** What may have come instead of a value of this type. */
type Doubtful<T> = { readonly [K in keyof T]?: Doubtful<T[K]> | null } | null | undefined;

const UNSIGNED = /^[0-9]{1,20}$/;
const REVISION = /^[1-9][0-9]{0,18}$/;

function hasHeader({ header }: { readonly header: ResponseHeader }): boolean {
  const said: Doubtful<ResponseHeader> = header;
  return matches(said?.revision, REVISION) && matches(said?.cluster_id, UNSIGNED);
}

function revisionOf({ header: { revision } }: { readonly header: ResponseHeader }): bigint {
  return BigInt(revision);
}

/**
 * Keys come in order, each once, none that was not asked for or is newer than that, and there are
 * more only beyond a full page: so paging always ends.
 *
 * @param now etcd's revision
 */
function answersRange(
  answer: Doubtful<RangeResponse>,
  request: RangeRequest,
  now: bigint,
): boolean {
  const at = BigInt(request.revision ?? 0);
  if (at > now) return false;
  const newest = at > 0n ? at : now;
  if (!Array.isArray(answer?.kvs) || typeof answer.more !== "boolean") return false;
  const { key = Buffer.of(), range_end: end, limit = 0, keys_only: keysOnly = false } = request;
  const { kvs: { length }, more, count } = answer;
  if (Number(limit) > 0 && length > Number(limit)) return false;
  if (more && (length === 0 || length !== Number(limit))) return false;
  // All that there are count, those beyond the limit too.
  if (!matches(count, UNSIGNED) || (more ? length >= Number(count) : length !== Number(count))) {
    return false;
  }
  let before: Uint8Array | undefined;
  return answer.kvs.every((kv: Doubtful<KeyValue>) => {
    const found = kv?.key;
    if (!(found instanceof Uint8Array) || !(kv?.value instanceof Uint8Array)) return false;
    const { mod_revision: mod, value } = kv;
    if (typeof mod !== "string" || !REVISION.test(mod) || BigInt(mod) > newest) return false;
    if (keysOnly && value.length > 0) return false;
    const asked = end?.length
      ? Buffer.compare(found, key) >= 0 && (isOpen(end) || Buffer.compare(found, end) < 0)
      : Buffer.compare(found, key) === 0;
    const isNext = before === undefined || Buffer.compare(found, before) > 0;
    before = found;
    return asked && isNext;
  });
}

function answersRanges(
  answer: Doubtful<RangesResponse>,
  requests: readonly RangeRequest[],
  now: bigint,
): boolean {
  const answers = answer?.answers;
  return answers?.length === requests.length &&
    requests.every((request, index) => answersRange(answers[index], request, now));
}

function answersTxn(
  answer: Doubtful<TxnResponse>,
  request: TxnRequest,
  now: bigint,
): boolean {
  const { compare = [], success = [], failure = [] } = request;
  if (typeof answer?.succeeded !== "boolean" || !Array.isArray(answer.responses)) return false;
  // What compares nothing can't fail.
  if (compare.length === 0 && !answer.succeeded) return false;
  const ops = answer.succeeded ? success : failure;
  const { responses } = answer;
  return responses.length === ops.length &&
    ops.every((op, index) => answersOp(responses[index], op, now));
}

function answersOp(
  answer: Doubtful<TxnResponse["responses"][number]>,
  op: RequestOp,
  now: bigint,
): boolean {
  if (op.request_txn) return answersTxn(answer?.response_txn, op.request_txn, now);
  if (op.request_range) return answersRange(answer?.response_range, op.request_range, now);
  const done = op.request_put ? answer?.response_put : answer?.response_delete_range;
  return typeof done === "object" && done !== null;
}

function isAskedFor(event: Doubtful<WatchEvent>, request: WatchRequest): boolean {
  const { kind, key, value, modRevision } = event ?? {};
  if (typeof key !== "string" || typeof value !== "string") return false;
  const isOfKey = key === request.key && (kind === "put" || kind === "delete");
  const isUnder = key.startsWith(request.deletedUnder) && kind === "delete";
  return (isOfKey || isUnder) && matches(modRevision, REVISION);
}

/** A range without an end is asked for by a single zero byte. */
function isOpen(end: Uint8Array): boolean {
  return end.length === 1 && end[0] === 0;
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}
