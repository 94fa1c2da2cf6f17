import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { IRequestOp, ITxnRequest } from "etcd3";
import {
  buildTxn,
  EtcdError,
  readTxn,
  txnCapacity,
  txnLevels,
  type TxnOp,
} from "../../lib/etcd/mod.ts";
import { pathOps } from "../support/hooked_etcd.ts";
import { answer, del, FENCE, maxTxnOps, put, puts, read, sizes } from "./_txn_tree.ts";

/** Levels of Txns, the root not counted. */
function depth({ success = [] }: ITxnRequest): number {
  return Math.max(0, ...success.map((op) => op.request_txn ? 1 + depth(op.request_txn) : 0));
}

/** The puts, deletes and reads of a tree, in order, each with the compares right around it. */
function leaves(request: ITxnRequest): { op: IRequestOp; guards: ITxnRequest["compare"] }[] {
  return (request.success ?? []).flatMap((op) =>
    op.request_txn ? leaves(op.request_txn) : [{ op, guards: request.compare }]
  );
}

Deno.test("buildTxn() holds every operation exactly once, in order, under its own guard", () => {
  const kind = fc.constantFrom<"put" | "delete">("put", "delete");
  fc.assert(
    fc.property(sizes, kind, ({ max, count }, action) => {
      fc.pre(txnLevels(max, count) !== undefined);
      const ops = Array.from(
        { length: count },
        (_, at) => action === "put" ? put(`/k/${at}`, String(at)) : del(`/k/${at}`, String(at)),
      );
      const found = leaves(buildTxn(FENCE, ops, max)).slice(1);
      assert.equal(found.length, count);
      found.forEach(({ op, guards }, at) => {
        const key = op.request_put?.key ?? op.request_delete_range?.key;
        assert.equal(String(key), `/k/${at}`);
        assert.equal(op.request_put === undefined, action === "delete");
        assert.equal(op.request_delete_range?.range_end, undefined);
        assert.deepEqual(guards, [{
          result: "Equal",
          target: "Mod",
          key: Buffer.from(`/k/${at}`),
          mod_revision: String(at),
        }]);
      });
    }),
    { numRuns: 60 },
  );
});

Deno.test("buildTxn() never exceeds --max-txn-ops down any path, puts, deletes or reads", () => {
  const ops = fc.constantFrom<(at: number) => TxnOp>(
    (at) => put(`/k/${at}`),
    (at) => del(`/k/${at}`),
    (at) => read(`/k/${at}`),
  );
  fc.assert(
    fc.property(sizes, ops, ({ max, count }, make) => {
      fc.pre(txnLevels(max, count) !== undefined);
      const list = Array.from({ length: count }, (_, at) => make(at));
      const request = buildTxn(FENCE, list, max);
      assert.ok(pathOps(request) <= max, `${pathOps(request)} > ${max}`);
    }),
    { numRuns: 100 },
  );
});

/** The most that fits a tree of so many levels, found the slow way. */
function mostOf(budget: number, levels: number): number {
  if (levels === 1) return budget;
  let most = 0;
  for (let width = 1; width <= budget - levels + 1; width++) {
    most = Math.max(most, width * mostOf(budget - width, levels - 1));
  }
  return most;
}

Deno.test("txnCapacity() is the most that any tree of as many levels can hold", () => {
  for (const max of [3, 4, 5, 8, 13, 20, 33]) {
    // One for the fence beside the root's children, one for the leaf's own Txn.
    const budget = max - 2;
    for (let levels = 1; levels <= Math.min(4, budget); levels++) {
      assert.equal(txnCapacity(max, levels), mostOf(budget, levels), `${max} ops, ${levels}`);
    }
  }
  assert.deepEqual([1, 2, 3].map((levels) => txnCapacity(128, levels)), [126, 3_969, 74_088]);
});

Deno.test("txnLevels() is the shallowest tree that holds the operations, undefined if none does", () => {
  fc.assert(fc.property(maxTxnOps, fc.integer({ min: 1, max: 200_000 }), (max, count) => {
    const levels = txnLevels(max, count);
    const enough = Array.from({ length: max }, (_, at) => at + 1)
      .find((deep) => txnCapacity(max, deep) >= count);
    assert.equal(levels, enough);
  }));
  assert.equal(txnLevels(3, 1), 1);
  assert.equal(txnLevels(3, 2), undefined);
  assert.equal(txnLevels(128, 126), 1);
  assert.equal(txnLevels(128, 127), 2);
  assert.equal(txnLevels(128, 3_970), 3);
});

Deno.test("buildTxn() nests no deeper than it must", () => {
  fc.assert(
    fc.property(sizes, ({ max, count }) => {
      const levels = txnLevels(max, count);
      fc.pre(levels !== undefined && count > 0);
      // A read has no Txn of its own, but the fence has among reads.
      const reads = Array.from({ length: count }, (_, at) => read(`/k/${at}`));
      assert.equal(depth(buildTxn(FENCE, reads, max)), Math.max(1, (levels ?? 0) - 1));
      assert.equal(depth(buildTxn(FENCE, puts(count), max)), levels);
    }),
    { numRuns: 60 },
  );
});

Deno.test("buildTxn() refuses what no tree holds as too-many-ops, which is definite", () => {
  assert.throws(
    () => buildTxn(FENCE, puts(2), 3),
    (error) =>
      error instanceof EtcdError && error.reason === "too-many-ops" &&
      error.outcome === "not-applied",
  );
});

Deno.test("buildTxn() moves the fence at the root, but nested in a batch without a put", () => {
  const [atRoot] = buildTxn(FENCE, [del("/k/0"), put("/k/1")], 128).success ?? [];
  assert.equal(String(atRoot?.request_put?.key), FENCE.key);
  assert.equal(String(atRoot?.request_put?.value), "l/2/b");
  for (const ops of [[], [del("/k/0")], [read("/k/0")]]) {
    const [first] = buildTxn(FENCE, ops, 128).success ?? [];
    assert.equal(first?.request_put, undefined);
    assert.equal(String(first?.request_txn?.success?.[0]?.request_put?.value), "l/2/b");
  }
});

Deno.test("buildTxn() compares the fence by value, by absence if there is none, and can delete it", () => {
  const key = Buffer.from(FENCE.key);
  assert.deepEqual(buildTxn(FENCE, [], 128).compare, [
    { result: "Equal", target: "Value", key, value: Buffer.from("l/1/a") },
  ]);
  const born = buildTxn({ ...FENCE, expected: null }, puts(1), 128);
  assert.deepEqual(born.compare, [
    { result: "Equal", target: "Create", key, create_revision: "0" },
  ]);
  const retired = buildTxn({ ...FENCE, next: null }, [], 128);
  assert.deepEqual(leaves(retired).map(({ op }) => op), [{ request_delete_range: { key } }]);
});

Deno.test("buildTxn() guards a vacant span with one compare at the root, and its puts with none", () => {
  const bare: TxnOp[] = ["/k/a", "/k/b"].map((key) => ({
    action: "put",
    key,
    value: Buffer.from("v"),
    guardMod: null,
  }));
  const request = buildTxn(FENCE, [...bare, put("/l/c")], 128, [{ first: "/k/a", last: "/k/b" }]);
  assert.deepEqual(request.compare?.slice(1), [{
    result: "Equal",
    target: "Version",
    key: Buffer.from("/k/a"),
    range_end: Buffer.from("/k/b\0"),
    version: "0",
  }]);
  assert.deepEqual(
    request.success?.slice(1).map((
      op,
    ) => [op.request_put !== undefined, op.request_txn !== undefined]),
    [[true, false], [true, false], [false, true]],
  );
  const results = readTxn([...bare, put("/l/c")], answer(request, () => undefined), 128);
  assert.deepEqual(results.map(({ succeeded }) => succeeded), [true, true, false]);
});

Deno.test("buildTxn() has no else branch anywhere, so that an answer stays small", () => {
  const failures = (request: ITxnRequest): number =>
    (request.failure ?? []).length +
    (request.success ?? []).reduce(
      (sum, op) => sum + (op.request_txn ? failures(op.request_txn) : 0),
      0,
    );
  assert.equal(failures(buildTxn(FENCE, puts(500), 20)), 0);
});
