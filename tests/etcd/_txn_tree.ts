import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { IRequestOp, IResponseOp, ITxnRequest, ITxnResponse } from "etcd3";
import { type FenceMove, txnCapacity, type TxnOp } from "../../lib/etcd/mod.ts";

export const FENCE: FenceMove = { key: "/edgekeyd/n/fence", expected: "l/1/a", next: "l/2/b" };

export const put = (key: string, guardMod = "0"): TxnOp => ({
  action: "put",
  key,
  value: Buffer.from(`value of ${key}`),
  guardMod,
});
export const del = (key: string, guardMod = "5"): TxnOp => ({ action: "delete", key, guardMod });
export const read = (key: string): TxnOp => ({ action: "read", key });

export const puts = (count: number) => Array.from({ length: count }, (_, at) => put(`/k/${at}`));

export const maxTxnOps = fc.integer({ min: 3, max: 140 });

/** A `--max-txn-ops` and how many operations to fit into it. */
export const sizes = maxTxnOps.chain((max) =>
  fc.record({
    max: fc.constant(max),
    count: fc.oneof(
      fc.integer({ min: 0, max: Math.min(3_000, 3 * max) }),
      // Right at the edges of the levels.
      fc.integer({ min: 1, max: 3 }).chain((levels) => {
        const edge = txnCapacity(max, levels);
        return fc.integer({ min: Math.max(1, edge - 1), max: edge + 1 });
      }).filter((count) => count <= 5_000),
    ),
  })
);

const HEADER = { cluster_id: "1", member_id: "1", revision: "9", raft_term: "1" };

function kv(key: Buffer, value: Buffer, mod_revision: string) {
  return { key, value, mod_revision, create_revision: "1", version: "1", lease: "0" };
}

/** What etcd answers to a tree, given what becomes of each leaf. */
export function answer(
  request: ITxnRequest,
  outcome: (key: string) => string | undefined,
): ITxnResponse {
  const guards = request.compare ?? [];
  const guarded = guards.every((guard) =>
    guard.target !== "Mod" || outcome(String(guard.key)) !== undefined
  );
  const responses = guarded ? (request.success ?? []).map((op) => answerOp(op, outcome)) : [];
  return { header: HEADER, succeeded: guarded, responses };
}

function answerOp(op: IRequestOp, outcome: (key: string) => string | undefined): IResponseOp {
  const none = {
    response_range: undefined,
    response_put: undefined,
    response_delete_range: undefined,
    response_txn: undefined,
  };
  if (op.request_txn) {
    return {
      ...none,
      response: "response_txn",
      response_txn: answer(op.request_txn, outcome),
    } as unknown as IResponseOp;
  }
  if (op.request_range) {
    const key = Buffer.from(op.request_range.key ?? "");
    const mod = outcome(String(key));
    const kvs = mod === undefined ? [] : [kv(key, Buffer.from(`value ${mod}`), mod)];
    const response_range = { header: HEADER, kvs, more: false, count: String(kvs.length) };
    return { ...none, response_range } as unknown as IResponseOp;
  }
  return { ...none, response_put: { header: HEADER } } as unknown as IResponseOp;
}
