import { deepStrictEqual, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { checked } from "../../lib/etcd/checked.ts";
import { buildTxn, type Etcd, type RangeResponse, type TxnResponse } from "../../lib/etcd/mod.ts";
import { EtcdModel } from "../sim/etcd_model.ts";

const bad = { reason: "bad-answer", outcome: "in-doubt", message: /makes no sense/ };
const pods = { key: Buffer.from("/r/a"), range_end: Buffer.from("/r/c\0"), limit: 2 };

/** A real answer of an etcd with three keys, and a lie about it. */
async function told(request: object, lie: (answer: RangeResponse) => object) {
  const model = new EtcdModel();
  for (const key of ["/q", "/r/a", "/r/b", "/r/c", "/s"]) model.put(key, "value");
  const answer = await model.range(request);
  const etcd = (said: RangeResponse): Etcd => ({
    range: () => Promise.resolve(said),
    rangeAll: () => Promise.resolve({ header: said.header, answers: [said] }),
    txn: () =>
      Promise.resolve({
        header: said.header,
        succeeded: true,
        // What an operation was answered with is one of these; the types have them all.
        responses: [{ response_range: said } as TxnResponse["responses"][number]],
      }),
    hasNoSpaceAlarm: () => Promise.resolve(false),
    watch: () => Promise.reject(new Error("nothing is watched")),
    close() {},
  });
  return {
    answer,
    honest: checked(etcd(answer)),
    liar: checked(etcd({ ...answer, ...lie(answer) })),
  };
}

const kv = (answer: RangeResponse, at: number) => {
  const found = answer.kvs[at];
  if (!found) throw new Error("there is none");
  return found;
};

/** What is asked, and what no etcd answers. */
const RANGE_LIES: Record<string, [object, (answer: RangeResponse) => object]> = {
  "more, and the page is not full": [pods, ({ kvs }) => ({ kvs: kvs.slice(0, 1) })],
  "more, and nothing came": [pods, () => ({ kvs: [] })],
  "more, without a limit": [{ ...pods, limit: 0 }, () => ({ more: true, count: "9" })],
  "more, and no more are counted": [pods, () => ({ count: "2" })],
  "no more, and more are counted": [pods, () => ({ more: false })],
  "a page over the limit": [{ ...pods, limit: 1 }, (answer) => ({
    kvs: [kv(answer, 0), { ...kv(answer, 0), key: Buffer.from("/r/b") }],
  })],
  "a key twice": [pods, (answer) => ({ kvs: [kv(answer, 0), kv(answer, 0)] })],
  "out of order": [pods, ({ kvs }) => ({ kvs: kvs.toReversed() })],
  "before the range": [pods, (answer) => ({
    kvs: [{ ...kv(answer, 0), key: Buffer.from("/q") }, kv(answer, 1)],
  })],
  "behind the range": [pods, (answer) => ({
    kvs: [kv(answer, 0), { ...kv(answer, 1), key: Buffer.from("/s") }],
  })],
  "another key than the one": [{ key: Buffer.from("/r/a") }, (answer) => ({
    kvs: [{ ...kv(answer, 0), key: Buffer.from("/r/b") }],
  })],
  "values where none were asked for": [{ ...pods, keys_only: true }, ({ kvs }) => ({
    kvs: kvs.map((one) => ({ ...one, value: Buffer.from("value") })),
  })],
  "a key from the future": [pods, (answer) => ({
    kvs: [kv(answer, 0), { ...kv(answer, 1), mod_revision: "99" }],
  })],
  "a key that is younger than the revision": [{ ...pods, revision: "5", limit: 2 }, (answer) => ({
    kvs: [kv(answer, 0), { ...kv(answer, 1), mod_revision: "6" }],
  })],
  "a revision that is not reached": [{ ...pods, revision: "5" }, ({ header }) => ({
    header: { ...header, revision: "4" },
  })],
};

Deno.test("checked() refuses a range, alone or with others or in a Txn, that no etcd answers", async (t) => {
  for (const [name, [request, lie]] of Object.entries(RANGE_LIES)) {
    await t.step(name, async () => {
      const { answer, honest, liar } = await told(request, lie);
      const txn = { success: [{ request_range: request }] };
      deepStrictEqual(await honest.range(request), answer);
      deepStrictEqual((await honest.rangeAll([request])).answers, [answer]);
      await honest.txn(txn);
      await rejects(liar.range(request), bad);
      await rejects(liar.rangeAll([request]), bad);
      await rejects(honest.rangeAll([request, request]), bad);
      await rejects(liar.txn(txn), bad);
    });
  }
});

Deno.test("checked() refuses an answer to a Txn with another shape, or a failure without a compare", async (t) => {
  const value = new TextEncoder().encode("x");
  // As many as need a level between the root and the guarded puts.
  const ops = Array.from({ length: 9 }, (_, at) => {
    return { action: "put" as const, key: `/r/${at}`, value, guardMod: "0" };
  });
  const request = buildTxn({ key: "/f", expected: null, next: "1" }, ops, 8);
  const answer = await new EtcdModel().txn(request);
  const say = (said: TxnResponse) => {
    const model = new EtcdModel();
    return checked({
      range: (one) => model.range(one),
      rangeAll: (all) => model.rangeAll(all),
      txn: () => Promise.resolve(said),
      hasNoSpaceAlarm: () => model.hasNoSpaceAlarm(),
      watch: () => Promise.reject(new Error("nothing is watched")),
      close() {},
    }).txn(request);
  };
  await say(answer);
  const { responses } = answer;
  const nested = responses.at(-1)?.response_txn;
  if (!nested) throw new Error("the tree has no level");
  const lies: Record<string, TxnResponse> = {
    "one answer too few": { ...answer, responses: responses.slice(1) },
    "one too many": { ...answer, responses: [...responses, ...responses.slice(1)] },
    "of another kind": { ...answer, responses: responses.toReversed() },
    "failed, with the answers of success": { ...answer, succeeded: false },
    "a part failed that compares nothing": {
      ...answer,
      responses: responses.map((one) =>
        one.response_txn
          ? { ...one, response_txn: { ...nested, succeeded: false, responses: [] } }
          : one
      ),
    },
  };
  for (const [name, lie] of Object.entries(lies)) {
    await t.step(name, async () => {
      await rejects(say(lie), bad);
    });
  }
});
