import assert from "node:assert/strict";
import fc from "fast-check";
import { buildTxn, EtcdError, readTxn, txnLevels } from "../../lib/etcd/mod.ts";
import { answer, del, FENCE, put, puts, read, sizes } from "./_txn_tree.ts";

Deno.test("readTxn() gives each operation its own outcome, in order, whatever the tree", () => {
  const outcomes = sizes.chain(({ max, count }) =>
    fc.record({
      max: fc.constant(max),
      ops: fc.array(
        fc.record({ kind: fc.constantFrom("put", "delete", "read"), done: fc.boolean() }),
        { minLength: count, maxLength: count },
      ),
    })
  );
  fc.assert(
    fc.property(outcomes, ({ max, ops: drawn }) => {
      fc.pre(txnLevels(max, drawn.length) !== undefined);
      const ops = drawn.map(({ kind }, at) =>
        kind === "put" ? put(`/k/${at}`) : kind === "delete" ? del(`/k/${at}`) : read(`/k/${at}`)
      );
      const outcome = (key: string) => {
        const at = Number(key.slice("/k/".length));
        return drawn[at]?.done === true ? String(at + 100) : undefined;
      };
      const results = readTxn(ops, answer(buildTxn(FENCE, ops, max), outcome), max);
      assert.deepEqual(
        results.map(({ succeeded, found }) => [succeeded, found?.mod, found?.value.toString()]),
        drawn.map(({ kind, done }, at) =>
          kind !== "read"
            ? [done, undefined, undefined]
            : done
            ? [true, String(at + 100), `value ${at + 100}`]
            : [true, undefined, undefined]
        ),
      );
    }),
    { numRuns: 60 },
  );
});

Deno.test("readTxn() refuses an answer of another shape as one that tells nothing", () => {
  const ops = puts(200);
  const whole = answer(buildTxn(FENCE, ops, 128), () => "7");
  for (
    const responses of [[], whole.responses.slice(1), [...whole.responses, ...whole.responses]]
  ) {
    assert.throws(
      () => readTxn(ops, { ...whole, responses }, 128),
      (error) =>
        error instanceof EtcdError && error.reason === "unknown" && error.outcome === "in-doubt",
    );
  }
});
