import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { checked } from "../../lib/etcd/checked.ts";
import type { Etcd, RangeRequest, RangeResponse } from "../../lib/etcd/mod.ts";
import { memoryCache } from "../../lib/keycache/mod.ts";
import { KEYS_ONLY, listObjects, observe, pagesUnder } from "../../lib/store/mod.ts";
import { questionsOf, replyTo } from "../../lib/store/questions.ts";
import { CACHE_OPTIONS } from "../fuzz/_pass.ts";
import { EtcdModel } from "../sim/etcd_model.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { TestNode } from "../support/test_node.ts";
import { put } from "./_operations.ts";

const { prefix: PREFIX } = CACHE_OPTIONS;
const bytesBefore = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const pad = (at: number) => String(at).padStart(6, "0");

/** Counts what an etcd answers with. */
function counting(etcd: Etcd) {
  const read = { calls: 0, keys: 0, bytes: 0 };
  const add = ({ kvs }: RangeResponse) => {
    read.keys += kvs.length;
    read.bytes += kvs.reduce((sum, { value }) => sum + value.length, 0);
  };
  const counted: Etcd = {
    async range(request) {
      read.calls++;
      const answer = await etcd.range(request);
      add(answer);
      return answer;
    },
    async rangeAll(requests) {
      read.calls++;
      const all = await etcd.rangeAll(requests);
      all.answers.forEach(add);
      return all;
    },
    txn: (request, bytes) => etcd.txn(request, bytes),
    hasNoSpaceAlarm: () => etcd.hasNoSpaceAlarm(),
    watch: (request, told) => etcd.watch(request, told),
    close() {},
  };
  return { read, etcd: counted };
}

const key = fc.tuple(
  fc.constantFrom("pods", "minions", "services/specs"),
  fc.constantFrom("d", "é", "～", "😀"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 3 }).filter((name) => !name.includes("/")),
).map(([resource, namespace, name]) => `${PREFIX}/${resource}/${namespace}/${name}`);

Deno.test("observe() finds each key that it is asked for and no other, and only spans that hold nothing", async () => {
  const cache = await memoryCache(CACHE_OPTIONS);
  try {
    await fc.assert(fc.asyncProperty(
      fc.uniqueArray(key, { maxLength: 60 }),
      fc.uniqueArray(key, { maxLength: 60 }),
      fc.nat(60),
      fc.constantFrom(3, 8, 128),
      async (wanted, others, present, maxTxnOps) => {
        const model = new EtcdModel({ maxTxnOps });
        for (const one of [...wanted.slice(0, present), ...others]) model.put(one, "x");
        const mods = new Map(
          model.dump().map((kv) => [kv.key.toString(), kv.mod_revision]),
        );
        const { read, etcd } = counting(checked(model));
        const seen = await observe({ etcd, cache, maxTxnOps }, wanted);
        assert.deepEqual(
          new Map(wanted.map((one) => [one, seen.mods.get(one)])),
          new Map(wanted.map((one) => [one, mods.get(one)])),
        );
        assert.deepEqual([...seen.mods.keys()].filter((one) => !wanted.includes(one)), []);
        for (const { first, last } of seen.vacant) {
          for (const one of mods.keys()) {
            assert.ok(bytesBefore(one, first) < 0 || bytesBefore(last, one) < 0, one);
          }
        }
        assert.ok(read.keys <= 8 * wanted.length, `${read.keys} keys for ${wanted.length}`);
      },
    ));
  } finally {
    cache.close();
  }
});

Deno.test("what is owned is asked for in spans or one by one, whichever is less, on a real etcd", async (t) => {
  await using server = await startEtcd();
  const OTHERS = 5_000;
  const name = (at: number) => `p${pad(at)}`;
  for (
    const [what, owned, most] of [
      ["two keys, first and last", [0, OTHERS], { keys: 2, calls: 2 }],
      ["fifty far between", Array.from({ length: 50 }, (_, at) => at * 100), {
        keys: 250,
        calls: 3,
      }],
      ["a thousand side by side", Array.from({ length: 1_000 }, (_, at) => at), {
        keys: 1_000,
        calls: 2,
      }],
      ["a thousand side by side and one far off", [
        ...Array.from({ length: 1_000 }, (_, at) => at),
        OTHERS,
      ], { keys: 4_005, calls: 3 }],
    ] as const
  ) {
    await t.step(what, async () => {
      await using node = await TestNode.start(server);
      const mine = new Set<number>(owned);
      const all = Array.from({ length: OTHERS + 1 }, (_, at) => at);
      await node.putAll(
        all.filter((at) => !mine.has(at)).map((at) => `${node.prefix}/pods/default/${name(at)}`),
        "another's",
      );
      await put(node, [{ objects: owned.map(name) }]);
      const { read, etcd } = counting(node.etcd);
      const seen = await observe({ ...node.context, etcd }, node.cache.rows.keys());
      assert.equal(seen.mods.size, owned.length);
      // The fence is read by itself, and once more with each Txn.
      assert.ok(read.keys - read.calls <= most.keys, `${read.keys} keys`);
      assert.ok(read.calls <= most.calls, `${read.calls} calls`);
    });
  }
});

Deno.test("a list reads nothing of what others have between its objects, on a real etcd", async () => {
  await using server = await startEtcd();
  await using node = await TestNode.start(server);
  const other = "x".repeat(1_000);
  const others = Array.from({ length: 500 }, (_, at) => `${node.prefix}/pods/default/m${at}`);
  await node.putAll(others, other);
  await put(node, [{ objects: ["a", "z"] }]);
  const { read, etcd } = counting(node.etcd);
  const list = await listObjects({ ...node.context, etcd }, {
    component: "kubelet",
    gvr: { group: "", version: "v1", resource: "pods" },
    namespace: undefined,
  });
  assert.deepEqual([list.values.size, read.keys, read.calls], [2, 2, 1]);
  assert.ok(read.bytes < 1_000, `${read.bytes} bytes`);
});

/** An etcd whose ranges have no end: each page is full, and there is always more. */
function endless(count: (asked: number) => number): Etcd {
  let asked = 0;
  const header = { cluster_id: "1", member_id: "1", revision: "7", raft_term: "1" };
  const answer = (request: RangeRequest): RangeResponse => {
    asked++;
    const first = request.key as Buffer;
    if (!request.range_end) return { header, kvs: [], more: false, count: "0" };
    const kvs = Array.from({ length: Number(request.limit) }, (_, at) => ({
      key: Buffer.concat([first, Buffer.from(pad(at))]),
      value: Buffer.alloc(0),
      mod_revision: "1",
      create_revision: "1",
      version: "1",
      lease: "0",
    }));
    return { header, kvs, more: true, count: String(count(asked)) };
  };
  return checked({
    range: (request) => Promise.resolve(answer(request)),
    rangeAll: (requests) => Promise.resolve({ header, answers: requests.map(answer) }),
    txn: () => Promise.reject(new Error("nothing is written")),
    hasNoSpaceAlarm: () => Promise.resolve(false),
    watch: () => Promise.reject(new Error("nothing is watched")),
    close() {},
  });
}

Deno.test("a range that never ends is found out at its second page", async (t) => {
  const cache = await memoryCache(CACHE_OPTIONS);
  const keys = Array.from({ length: 10_000 }, (_, at) => `${PREFIX}/pods/d/p${pad(at)}`);
  const read = async (etcd: Etcd) => {
    let pages = 0;
    for await (const _ of pagesUnder(etcd, `${PREFIX}/pods/`, KEYS_ONLY)) pages++;
    return pages;
  };
  const bad = { reason: "bad-answer", message: /makes no sense: check that --etcd-servers/ };
  await t.step("keys under a prefix", async () => {
    await assert.rejects(read(endless(() => 30_000)), bad);
    await assert.rejects(read(endless((asked) => 30_000 + asked)), bad);
  });
  await t.step("keys that are looked for, among a number of others that is no more", async () => {
    await assert.rejects(
      observe({ etcd: endless(() => 30_000), cache, maxTxnOps: 128 }, keys),
      bad,
    );
  });
  await t.step("others without number are not asked for", async () => {
    const { read, etcd } = counting(endless(() => 1e12));
    const seen = await observe({ etcd, cache, maxTxnOps: 128 }, keys);
    assert.equal(seen.mods.size, 0);
    assert.ok(read.keys <= 4_000 && read.calls < 100, `${read.keys} keys, ${read.calls} calls`);
  });
  cache.close();
});

Deno.test("replyTo() takes no key that is there for absent since another's is not UTF-8", () => {
  const keys = Array.from({ length: 8 }, (_, at) => `${PREFIX}/pods/d/é${at}`);
  const [question] = questionsOf(keys, PREFIX);
  assert.ok(question);
  const strange = Buffer.concat([Buffer.from(`${PREFIX}/pods/d/`), Buffer.of(0x80)]);
  const kvs = [strange, ...keys.map((key) => Buffer.from(key))].map((key) => ({
    key,
    value: Buffer.alloc(0),
    create_revision: "1",
    mod_revision: "1",
    version: "1",
    lease: "0",
  }));
  const header = { cluster_id: "1", member_id: "1", revision: "1", raft_term: "1" };
  const reply = replyTo(question, { header, kvs, more: false, count: String(kvs.length) });
  const open = reply.further.flatMap((one) => one.keys);
  assert.deepEqual([...reply.mods.keys(), ...open].sort(), keys);
  assert.deepEqual(reply.vacant, []);
});
