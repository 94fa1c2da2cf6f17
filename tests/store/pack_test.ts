import assert from "node:assert/strict";
import fc from "fast-check";
import { opBytes, txnBytes, txnLevels } from "../../lib/etcd/mod.ts";
import { Slices } from "../../lib/slices.ts";
import {
  pack,
  type Packing,
  type PlannedOp,
  SingleTxnError,
  type SingleTxnGroups,
  type TxnLimits,
} from "../../lib/store/mod.ts";
import { ownerOf } from "./_states.ts";

const LIMITS: TxnLimits = { fenceKey: "/edgekeyd/n/fence", maxTxnOps: 128, requestBytes: 100_000 };

function op(
  group: string,
  name: string | number,
  action: "put" | "delete" = "put",
  valueBytes = 100,
): PlannedOp {
  const [component = "", gvr = ""] = group.split("/");
  return {
    action,
    key: `/registry/${group}/${name}`,
    guardMod: action === "put" ? "0" : "5",
    owner: ownerOf({ component, gvr }),
    group,
    before: undefined,
    after: null,
    valueBytes: action === "put" ? valueBytes : 0,
  };
}

const ops = (group: string, count: number, action: "put" | "delete" = "put", valueBytes = 100) =>
  Array.from({ length: count }, (_, at) => op(group, `${action}-${at}`, action, valueBytes));

/** Packs, and counts how often the event loop had its turn; each look at the clock takes 1 ms. */
async function packedInSlices(
  all: readonly PlannedOp[],
  limits: TxnLimits,
  whole: SingleTxnGroups,
): Promise<Packing & { pauses: number; looks: number }> {
  let looks = 0;
  let pauses = 0;
  const slices = new Slices({
    monotonicMs: () => looks++,
    pause() {
      pauses++;
      return Promise.resolve();
    },
  });
  return { ...await pack(all, limits, whole, slices), pauses, looks };
}

async function packed(
  all: readonly PlannedOp[],
  limits: TxnLimits,
  whole: SingleTxnGroups,
): Promise<Packing> {
  const { batches, staged, tooLarge } = await packedInSlices(all, limits, whole);
  return { batches, staged, tooLarge };
}

const groupOf = ({ owner }: PlannedOp) => `${owner?.component}/${owner?.gvr}`;
/** Each batch as `group action×count`. */
const shape = (batches: readonly (readonly PlannedOp[])[]) =>
  batches.map((batch) => {
    const counts = new Map<string, number>();
    for (const one of batch) {
      const name = `${groupOf(one)} ${one.action}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts].map(([name, count]) => `${name}×${count}`).join(", ");
  });

function fits(batch: readonly PlannedOp[], { fenceKey, maxTxnOps, requestBytes }: TxnLimits) {
  const value = "f".repeat(90);
  const bytes = batch.reduce((sum, one) => sum + opBytes(one, one.valueBytes), 0);
  return txnLevels(maxTxnOps, batch.length) !== undefined &&
    txnBytes({ key: fenceKey, expected: value, next: value }, bytes, batch.length, maxTxnOps) <=
      requestBytes;
}

Deno.test("pack() puts several groups into one Txn when they fit, puts and deletes together", async () => {
  const all = [...ops("b/pods.v1.core", 20), ...ops("a/pods.v1.core", 20, "delete")];
  const { batches, staged, tooLarge } = await packed(all, LIMITS, true);
  assert.deepEqual(shape(batches), ["a/pods.v1.core delete×20, b/pods.v1.core put×20"]);
  assert.deepEqual([staged, tooLarge], [false, []]);
});

Deno.test("pack() of nothing is no Txn", async () => {
  assert.deepEqual(await packed([], LIMITS, true), { batches: [], staged: false, tooLarge: [] });
});

Deno.test("pack() opens another Txn rather than split a group that fits one", async () => {
  const all = ["a/x.v1.core", "b/x.v1.core", "c/x.v1.core"].flatMap((group) =>
    ops(group, 20, "put", 2_500)
  );
  const { batches, staged } = await packed(all, LIMITS, true);
  assert.deepEqual(shape(batches), [
    "a/x.v1.core put×20",
    "b/x.v1.core put×20",
    "c/x.v1.core put×20",
  ]);
  assert.equal(staged, false);
});

Deno.test("pack() splits a group that fits no Txn: all its puts before its deletes, and says so", async () => {
  const limits = { ...LIMITS, requestBytes: 4_096 };
  const all = [
    ...ops("a/x.v1.core", 40, "delete"),
    ...ops("a/x.v1.core", 30),
    op("b/y.v1.core", 1),
  ];
  const { batches, staged } = await packed(all, limits, false);
  assert.equal(staged, true);
  const actions = batches.slice(0, -1).map((batch) => new Set(batch.map(({ action }) => action)));
  assert.ok(actions.every((set) => set.size === 1));
  const order = actions.map((set) => [...set].join());
  assert.deepEqual(order, order.toSorted().reverse());
  assert.deepEqual(shape(batches.slice(-1)), ["b/y.v1.core put×1"]);
  assert.ok(batches.every((batch) => fits(batch, limits)));
});

Deno.test("pack() splits by --max-txn-ops too", async () => {
  const limits = { ...LIMITS, maxTxnOps: 8 };
  const { batches, staged } = await packed(ops("a/x.v1.core", 20), limits, false);
  // Two levels of three: nine to a Txn.
  assert.deepEqual(batches.map((batch) => batch.length), [9, 9, 2]);
  assert.equal(staged, true);
});

Deno.test("pack() uses as few Txns as hold a split group's puts", async () => {
  // Three of 40% and three of 55% of a Txn fit three, but not two by two in the order given.
  const bytes = 10_000;
  const limits = { ...LIMITS, requestBytes: bytes };
  const sizes = [0.4, 0.4, 0.4, 0.5, 0.5, 0.5];
  const all = sizes.map((share, at) => op("a/x.v1.core", at, "put", Math.floor(share * bytes)));
  assert.equal((await packed(all, limits, false)).batches.length, 3);
});

Deno.test("pack() refuses to split a group under --require-single-txn, but not to use several Txns", async () => {
  const limits = { ...LIMITS, requestBytes: 4_096 };
  await assert.rejects(
    packed(ops("kubelet/pods.v1.core", 100), limits, true),
    (error) =>
      error instanceof SingleTxnError && /kubelet\/pods\.v1\.core does not fit/.test(error.message),
  );
  const several = ["a/x.v1.core", "b/x.v1.core", "c/x.v1.core"].flatMap((group) => ops(group, 10));
  assert.ok((await packed(several, limits, true)).batches.length > 1);
});

Deno.test("pack() sets aside an object that fits no request at all, and packs the rest", async () => {
  const huge = op("a/x.v1.core", "huge", "put", LIMITS.requestBytes);
  const { batches, tooLarge } = await packed([huge, op("a/x.v1.core", "small")], LIMITS, true);
  assert.deepEqual(tooLarge, [huge]);
  assert.deepEqual(shape(batches), ["a/x.v1.core put×1"]);
});

Deno.test("pack() holds every operation once, within the limits, and keeps whole what fits", async () => {
  const planned = fc.uniqueArray(
    fc.record({
      group: fc.constantFrom("a/x.v1.core", "b/x.v1.core", "b/y.v1.core", "c/z.v1.core"),
      action: fc.constantFrom<"put" | "delete">("put", "delete"),
      name: fc.nat(10_000),
      valueBytes: fc.oneof(fc.nat(300), fc.nat(6_000)),
    }),
    { selector: ({ group, name }) => `${group}/${name}`, maxLength: 120 },
  );
  const limits = fc.record({
    fenceKey: fc.constant(LIMITS.fenceKey),
    maxTxnOps: fc.constantFrom(4, 8, 20, 128),
    requestBytes: fc.integer({ min: 1_000, max: 30_000 }),
  });
  await fc.assert(
    fc.asyncProperty(planned, limits, async (drawn, max) => {
      const all = drawn.map(({ group, action, name, valueBytes }) =>
        op(group, name, action, valueBytes)
      );
      const { batches, staged, tooLarge } = await packed(all, max, false);
      assert.deepEqual(new Set([...batches.flat(), ...tooLarge]), new Set(all));
      assert.equal(batches.flat().length + tooLarge.length, all.length);
      assert.ok(
        tooLarge.every((one) => !fits([one], { ...max, requestBytes: max.requestBytes - 60 })),
      );
      assert.ok(batches.every((batch) => batch.length > 0 && fits(batch, max)));
      let split = false;
      for (const group of new Set(all.map(groupOf))) {
        const parts = batches.filter((batch) => batch.some((one) => groupOf(one) === group));
        if (parts.length <= 1) continue;
        split = true;
        const whole = all.filter((one) => groupOf(one) === group && !tooLarge.includes(one));
        assert.ok(!fits(whole, { ...max, requestBytes: max.requestBytes - 60 }), group);
        const actions = parts.flat().map(({ action }) => action);
        assert.ok(actions.lastIndexOf("put") < (actions.indexOf("delete") + 1 || 1e9));
      }
      assert.equal(staged, split);
    }),
    { numRuns: 200 },
  );
});

/** Values of which few fit beside one another, so that many Txns stay open for small ones. */
const mixed = (count: number) =>
  Array.from(
    { length: count },
    (_, at) => op("a/x.v1.core", at, "put", 200 + (at * 7_919) % 4_000),
  );

Deno.test("pack() of 20,000 and of 100,000 operations takes some steps for each, in slices", async () => {
  const looksFor = async (count: number) => {
    const limits = { ...LIMITS, requestBytes: 8_192 };
    const { batches, looks, pauses } = await packedInSlices(mixed(count), limits, false);
    assert.equal(batches.flat().length, count);
    assert.ok(batches.length > count / 10);
    assert.ok(pauses > count / 100, `${pauses} pauses`);
    return looks;
  };
  const [few, many] = [await looksFor(20_000), await looksFor(100_000)];
  assert.ok(many <= 5 * few + 5, `${few} looks, then ${many}`);
});
