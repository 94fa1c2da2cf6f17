import {
  buildTxn,
  EtcdError,
  type FenceMove,
  opBytes,
  readTxn,
  txnBytes,
  type TxnOp,
  type TxnOpResult,
  type VacantSpan,
} from "../etcd/mod.ts";
import type { DeleteWindow, IntentEntry } from "../keycache/mod.ts";
import type { StoreContext } from "./context.ts";
import { recover } from "./recover.ts";

/** What became of one Txn. */
export type Exchange =
  | {
    readonly applied: true;
    readonly revision: string;
    readonly clusterId: string;
    /**
     * One for each operation. A Txn whose answer was lost tells of puts and deletes, but what its
     * reads found is lost: then `undefined`.
     */
    readonly results: readonly TxnOpResult[] | undefined;
    /** Why the answer was lost; undefined if it came. */
    readonly error?: EtcdError;
  }
  | {
    readonly applied: false;
    /** Why the answer was lost; undefined if the fence or a vacant span was not as expected. */
    readonly error?: EtcdError;
  };

/**
 * The commit protocol: intent to the cache, ONE Txn to etcd, result to the cache. Every write of
 * edgekeyd goes through here.
 *
 * @param context both sides
 * @param entries what becomes of the cache's rows; those of `put` and `delete` match `ops` in order
 * @param ops what the Txn does beside moving the fence
 * @param options `vacant`: spans that must be empty; `windows`: delete windows that change if it
 * is applied, whoever finds that out
 * @returns what became of it; if it was not applied, cache and etcd agree again and the caller
 * plans anew
 * @throws {EtcdError} if etcd refused it (nothing is pending then), or does not answer (the intent
 * stays pending until the next recovery)
 * @throws {FenceError} if the fence is not this cache's any more
 */
export async function exchange(
  context: StoreContext,
  entries: readonly IntentEntry[],
  ops: readonly TxnOp[],
  options: {
    readonly vacant?: readonly VacantSpan[];
    readonly windows?: ReadonlyMap<string, DeleteWindow>;
  } = {},
): Promise<Exchange> {
  const { cache, etcd, maxTxnOps } = context;
  const { header } = await cache.begin(entries, context.random, options.windows);
  const fence: FenceMove = {
    key: cache.identity.fenceKey,
    expected: header.expected,
    next: header.next,
  };
  const sum = ops.reduce(
    (bytes, op) => bytes + opBytes(op, op.action === "put" ? op.value.length : 0),
    0,
  );
  try {
    const response = await etcd.txn(
      buildTxn(fence, ops, maxTxnOps, options.vacant),
      txnBytes(fence, sum, ops.length, maxTxnOps),
    );
    if (response.succeeded) {
      const results = readTxn(ops, response, maxTxnOps);
      const { revision, cluster_id: clusterId } = response.header;
      await cache.settle(succeededOf(entries, results), revision);
      return { applied: true, revision, clusterId, results };
    }
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    if (error.outcome === "not-applied") {
      await cache.dropUnsent();
      throw error;
    }
    return await resolve(context, entries, ops, error);
  }
  // etcd has answered: a compare of the root failed, so the Txn is over and left no trace.
  await cache.dropUnsent();
  return { applied: false };
}

/** Finds out what became of a Txn without an answer. */
async function resolve(
  context: StoreContext,
  entries: readonly IntentEntry[],
  ops: readonly TxnOp[],
  error: EtcdError,
): Promise<Exchange> {
  const { verdict, succeeded, revision, clusterId } = await recover(context);
  if (verdict !== "applied") return { applied: false, error };
  const results = ops.some((op) => op.action === "read")
    ? undefined
    : succeeded.filter((_, index) => entries[index]?.action !== "keep")
      .map((done) => ({ succeeded: done }));
  return { applied: true, revision, clusterId, results, error };
}

function succeededOf(
  entries: readonly IntentEntry[],
  results: readonly TxnOpResult[],
): boolean[] {
  let next = 0;
  return entries.map((entry) => entry.action === "keep" || results[next++]?.succeeded === true);
}
