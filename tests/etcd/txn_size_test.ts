import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  buildTxn,
  type Etcd,
  EtcdError,
  type FenceMove,
  opBytes,
  txnBudget,
  txnBytes,
  txnLevels,
  type TxnOp,
} from "../../lib/etcd/mod.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { encodeTxn } from "../support/txn_encoding.ts";
import { failure, withClient } from "./client.ts";

const DEFAULT_MAX_REQUEST_BYTES = 1_572_864;
const FENCE: FenceMove = {
  key: "/edgekeyd/edge-1/fence",
  expected: `${"0".repeat(32)}/123/${"1".repeat(32)}`,
  next: `${"0".repeat(32)}/124/${"2".repeat(32)}`,
};

function bound(fence: FenceMove, ops: readonly TxnOp[], maxTxnOps: number): number {
  const sum = ops.reduce(
    (bytes, op) => bytes + opBytes(op, op.action === "put" ? op.value.length : 0),
    0,
  );
  return txnBytes(fence, sum, ops.length, maxTxnOps);
}

const key = fc.oneof(
  fc.stringMatching(/^\/registry\/pods\/[a-z0-9-]{1,40}\/[a-z0-9.:-]{1,60}$/),
  fc.string({ unit: "grapheme", maxLength: 80 }).map((name) => `/registry/pods/d/${name}`),
  fc.constantFrom(126, 127, 128, 129).map((length) => "/".padEnd(length, "k")),
);
const guardMod = fc.oneof(
  fc.constant("0"),
  fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }).map(String),
);
const valueLength = fc.oneof(
  fc.integer({ min: 0, max: 700 }),
  // Where a length takes one more byte.
  fc.constantFrom(126, 127, 128, 16_383, 16_384),
);
const op: fc.Arbitrary<TxnOp> = fc.oneof(
  fc.record({
    action: fc.constant("put" as const),
    key,
    value: valueLength.map((length) => Buffer.alloc(length, "v")),
    guardMod,
  }),
  fc.record({ action: fc.constant("delete" as const), key, guardMod }),
  fc.record({ action: fc.constant("read" as const), key }),
);
const fence: fc.Arbitrary<FenceMove> = fc.record({
  key: fc.constantFrom(FENCE.key, "/edgekeyd/n/fence"),
  expected: fc.constantFrom(FENCE.expected, null),
  next: fc.constantFrom(FENCE.next, null),
});

/** What wraps a Txn whatever is in it: some bytes of it are rounded up once, not by operation. */
const FIXED_SLACK_BYTES = 24;

Deno.test("txnBytes() is never below the bytes that are sent, and at most 2% above", () => {
  const max = fc.constantFrom(8, 20, 128, 1_000);
  fc.assert(
    fc.property(fence, fc.array(op, { maxLength: 200 }), max, (move, ops, maxTxnOps) => {
      fc.pre(txnLevels(maxTxnOps, ops.length) !== undefined);
      const sent = encodeTxn(buildTxn(move, ops, maxTxnOps)).length;
      const counted = bound(move, ops, maxTxnOps);
      assert.ok(counted >= sent, `${counted} < ${sent}`);
      assert.ok(counted <= sent * 1.02 + FIXED_SLACK_BYTES, `${counted} for ${sent}`);
    }),
    { numRuns: 150 },
  );
});

Deno.test("txnBytes() is within 2% for a list of several thousand small objects", () => {
  for (const count of [1, 126, 127, 3_000, 3_969, 3_970, 9_000]) {
    const ops = Array.from({ length: count }, (_, at): TxnOp => ({
      action: "put",
      key: `/registry/pods/default/web-${at}`,
      value: Buffer.alloc(150, "v"),
      guardMod: "0",
    }));
    const sent = encodeTxn(buildTxn(FENCE, ops, 128)).length;
    const counted = bound(FENCE, ops, 128);
    assert.ok(counted >= sent && counted <= sent * 1.02, `${count}: ${counted} for ${sent}`);
  }
});

/** Puts whose Txn is counted as exactly so many bytes. */
function putsOf(bytes: number, move: FenceMove): TxnOp[] {
  const put = (at: number, length: number): TxnOp => ({
    action: "put",
    key: `/edge/${at}`,
    value: Buffer.alloc(length, "v"),
    guardMod: "0",
  });
  const ops = Array.from({ length: 100 }, (_, at) => put(at, 15_000));
  const missing = bytes - bound(move, [...ops, put(100, 20_000)], 128);
  return [...ops, put(100, 20_000 + missing)];
}

async function keysUnder(etcd: Etcd, prefix: string): Promise<string[]> {
  const { kvs } = await etcd.range({
    key: Buffer.from(prefix),
    range_end: Buffer.from(`${prefix}\xff`, "latin1"),
    keys_only: true,
  });
  return kvs.map((kv) => String(kv.key));
}

Deno.test("a real etcd at its default limits", async (t) => {
  await using server = await startEtcd();
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    await t.step("takes 3,969 and 5,000 guarded puts in one Txn, at one revision", async () => {
      let expected: string | null = null;
      for (const count of [3_969, 5_000]) {
        const next = `l/${count}/x`;
        const move: FenceMove = { key: "/fence", expected, next };
        expected = next;
        const ops = Array.from({ length: count }, (_, at): TxnOp => ({
          action: "put",
          key: `/n${count}/${String(at).padStart(5, "0")}`,
          value: Buffer.from("v"),
          guardMod: "0",
        }));
        const { succeeded, header } = await etcd.txn(buildTxn(move, ops, 128));
        assert.equal(succeeded, true);
        const { kvs } = await etcd.range({
          key: Buffer.from(`/n${count}/`),
          range_end: Buffer.from(`/n${count}0`),
          keys_only: true,
        });
        assert.equal(kvs.length, count);
        assert.deepEqual([...new Set(kvs.map((kv) => kv.mod_revision))], [header.revision]);
      }
    });

    await t.step("takes a Txn that is counted as all that the limit leaves", async () => {
      const move: FenceMove = { key: "/edge-fence", expected: null, next: "l/1/x" };
      const most = txnBudget(DEFAULT_MAX_REQUEST_BYTES);
      const ops = putsOf(most, move);
      assert.equal(bound(move, ops, 128), most);
      const { succeeded } = await etcd.txn(buildTxn(move, ops, 128));
      assert.equal(succeeded, true);
      assert.equal((await keysUnder(etcd, "/edge/")).length, 101);
    });

    await t.step("refuses one byte over its edge as too-large, and the edge is near", async () => {
      const move: FenceMove = { key: "/over-fence", expected: "never", next: "l/1/x" };
      const accepts = async (bytes: number) => {
        try {
          return !(await etcd.txn(buildTxn(move, putsOf(bytes, move), 128))).succeeded;
        } catch (error) {
          assert.ok(error instanceof EtcdError);
          assert.deepEqual([error.reason, error.outcome], ["too-large", "not-applied"]);
          return false;
        }
      };
      const most = txnBudget(DEFAULT_MAX_REQUEST_BYTES);
      const envelopeBytes = DEFAULT_MAX_REQUEST_BYTES - most;
      // etcd takes what we count as `low` bytes, and refuses `high`.
      let low = most;
      let high = most + 4 * envelopeBytes;
      assert.equal(await accepts(high), false);
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (await accepts(middle)) low = middle;
        else high = middle;
      }
      // It leaves out fields that are 0, so that its own count is a little below ours.
      assert.ok(high > most && low < most + 2 * envelopeBytes, String(low - most));
    });
  });
});

Deno.test("an etcd with --max-txn-ops=20 takes all that txnCapacity says and no more", async () => {
  await using server = await startEtcd({ args: ["--max-txn-ops=20"] });
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    const ops = (count: number) =>
      Array.from({ length: count }, (_, at): TxnOp => ({
        action: "put",
        key: `/k/${at}`,
        value: Buffer.from("v"),
        guardMod: "0",
      }));
    const move: FenceMove = { key: "/fence", expected: null, next: "l/1/x" };
    const error = await failure(etcd.txn(buildTxn(move, ops(500), 21)));
    assert.deepEqual([error.reason, error.outcome], ["too-many-ops", "not-applied"]);
    assert.equal((await etcd.txn(buildTxn(move, ops(729), 20))).succeeded, true);
    assert.equal((await keysUnder(etcd, "/k/")).length, 729);
  });
});
