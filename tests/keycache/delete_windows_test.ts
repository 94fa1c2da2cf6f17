import assert from "node:assert/strict";
import { ComponentKeyCache } from "../../lib/keycache/mod.ts";
import { cacheOptions, TestDatabase } from "./_cache.ts";
import { commit, deleteOf, putOf, random, rowOf } from "./_rows.ts";

const DAY_MS = 24 * 3_600_000;

Deno.test("delete windows are noted by whoever settles the intent, and by nobody if it is given up", async () => {
  using database = new TestDatabase();
  const window = (deletes: number) => [{ atMs: 1, keys: 9, deletes }];
  const windows = new Map([["kubelet", window(3)], ["kube-proxy", window(4)]]);
  const cache = await database.load();
  await commit(cache, [putOf(rowOf("a")), putOf(rowOf("b"))]);
  const begin = async (name: string) => {
    await (await database.load()).begin([deleteOf(name)], random, windows);
    const next = await database.load();
    assert.deepEqual(next.intent?.windows, windows);
    assert.equal(next.windows.size, 0);
    return next;
  };
  await (await begin("a")).dropUnsent();
  const given = await begin("a");
  await given.giveUp({ expected: given.fence.expected, seq: given.fence.seq + 2 });
  assert.equal((await database.load()).windows.size, 0);
  await (await begin("a")).settle([true], "10");
  assert.deepEqual((await database.load()).windows, windows);
});

Deno.test("delete samples from the future count from now on, in the database too", async () => {
  using database = new TestDatabase();
  const sample = (atMs: number) => ({ atMs, keys: 30, deletes: 8 });
  const ahead = await database.load({ nowMs: () => 9 * DAY_MS });
  await ahead.keep(new Map([["/registry/pods/default/a", rowOf("a")]]));
  const windows = new Map([["kubelet", [sample(5), sample(9 * DAY_MS)]]]);
  await ahead.begin([deleteOf("a")], () => "x", windows);
  await ahead.settle([true], "9");
  database.close();
  const nowMs = () => DAY_MS;
  const expected = [["kubelet", [sample(5), sample(DAY_MS)]]];
  const store = await database.store();
  const peeked = await ComponentKeyCache.peek(store, cacheOptions({ nowMs }));
  assert.deepEqual([...peeked?.windows ?? []], expected);
  assert.deepEqual([...(await database.load({ nowMs })).windows], expected);
  database.close();
  assert.deepEqual([...(await database.load({ nowMs: () => 9 * DAY_MS })).windows], expected);
});

Deno.test("a pending intent's delete samples from the future count from now on", async () => {
  using database = new TestDatabase();
  const ahead = await database.load({ nowMs: () => 9 * DAY_MS });
  const windows = new Map([["kubelet", [{ atMs: 9 * DAY_MS, keys: 30, deletes: 8 }]]]);
  await ahead.begin([deleteOf("a")], () => "x", windows);
  database.close();
  const cache = await database.load({ nowMs: () => DAY_MS });
  await cache.settle([true], "9", { seq: 2, overtaken: new Set() });
  assert.deepEqual([...cache.windows], [["kubelet", [{ atMs: DAY_MS, keys: 30, deletes: 8 }]]]);
});
