import assert from "node:assert/strict";
import { TestDatabase, viewOf } from "./_cache.ts";
import { commit, deleteOf, putOf, random, rowOf } from "./_rows.ts";

const DAY_MS = 24 * 3_600_000;

Deno.test("settle() leaves a tombstone for a delete, also for one of what another changed meanwhile", async () => {
  using database = new TestDatabase();
  const cache = await database.load({ nowMs: () => 5_000 });
  await commit(cache, [putOf(rowOf("a")), putOf(rowOf("b"))]);
  const windows = new Map([["kubelet", [{ atMs: 1, keys: 2, deletes: 1 }]]]);
  await cache.begin([deleteOf("a"), deleteOf("b")], random, windows);
  await cache.settle([true, false], "10");
  assert.equal(cache.rows.size, 0);
  const versions = [{ uid: "u-1", resourceVersion: "7" }] as const;
  assert.deepEqual(
    [...cache.tombstones.values()],
    ["a", "b"].map((name) => ({ key: rowOf(name).key, versions, seq: 2 })),
  );
  assert.deepEqual(cache.windows.get("kubelet"), [{ atMs: 1, keys: 2, deletes: 1 }]);
  // The key is put again: its tombstone must not delete it after a restore.
  await commit(cache, [putOf(rowOf("a")), putOf(rowOf("b"))]);
  assert.equal(cache.tombstones.size, 0);
  assert.deepEqual(viewOf(await database.load()), viewOf(cache));
});

Deno.test("a version that a row no longer says is buried, the highest of each uid, the latest first", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  const buried = () =>
    [...cache.tombstones.values()].map(({ seq, versions }) => [
      seq,
      ...versions.map(({ uid, resourceVersion }) => `${uid}@${resourceVersion}`),
    ]);
  const put = (uid: string, resourceVersion: string) =>
    commit(cache, [putOf(rowOf("a", { uid, resourceVersion }))]);
  await put("u-1", "7");
  await put("u-1", "12");
  assert.deepEqual(buried(), []);
  await put("u-2", "3");
  assert.deepEqual(buried(), [[3, "u-1@12"]]);
  // A restore brought an older version of it back.
  await cache.keep(new Map([[rowOf("a").key, rowOf("a", { uid: "u-1", resourceVersion: "8" })]]));
  assert.deepEqual(buried(), [[4, "u-2@3", "u-1@12"]]);
  await commit(cache, [deleteOf("a")]);
  assert.deepEqual(buried(), [[4, "u-1@12", "u-2@3"]]);
  // Another's row says nothing of ours.
  const theirs = rowOf("a", { ours: false, uid: "u-1", resourceVersion: "99" });
  await cache.keep(new Map([[theirs.key, theirs]]));
  assert.deepEqual(buried(), [[4, "u-1@12", "u-2@3"]]);
  assert.deepEqual(viewOf(await database.load()), viewOf(cache));
});

Deno.test("no more than 16 versions of a key are remembered", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  for (let uid = 0; uid < 20; uid++) await commit(cache, [putOf(rowOf("a", { uid: `u-${uid}` }))]);
  const uids = [...cache.tombstones.values()].flatMap(({ versions }) => versions.map((v) => v.uid));
  assert.deepEqual(uids, Array.from({ length: 16 }, (_, index) => `u-${18 - index}`));
});

Deno.test("tombstones do not grow old, whatever the clock says", async () => {
  for (const momentsMs of [[0, 20_000 * DAY_MS], [0, -DAY_MS], [20_000 * DAY_MS, 0]]) {
    using database = new TestDatabase();
    let [nowMs = 0, laterMs = 0] = momentsMs;
    const cache = await database.load({ nowMs: () => nowMs });
    await commit(cache, [putOf(rowOf("a")), putOf(rowOf("b"))]);
    await commit(cache, [deleteOf("a")]);
    for (let jump = 0; jump < 100; jump++) {
      [nowMs, laterMs] = [laterMs, nowMs];
      await commit(cache, []);
    }
    await commit(cache, [deleteOf("b")]);
    assert.deepEqual([...cache.tombstones.keys()], [deleteOf("a").key, deleteOf("b").key]);
  }
});

Deno.test("tombstones are bounded by count, the oldest go first", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  const deletes = (from: number) =>
    Array.from({ length: 4_000 }, (_, at) => deleteOf(`k${from + at}`));
  for (const from of [0, 4_000, 8_000]) {
    const gone = deletes(from);
    const rows = gone.map(({ key }) => rowOf(key.slice("/registry/pods/default/".length)));
    await cache.keep(new Map(rows.map((row) => [row.key, row])));
    await commit(cache, gone);
  }
  assert.equal(cache.tombstones.size, 10_000);
  const kept = [...cache.tombstones.values()];
  assert.deepEqual(
    [1, 2, 3].map((seq) => kept.filter((one) => one.seq === seq).length),
    [2_000, 4_000, 4_000],
  );
  // One that says more is not one more.
  await commit(cache, [putOf(rowOf("k11999", { uid: "u-2" }))]);
  await commit(cache, [deleteOf("k11999")]);
  assert.equal(cache.tombstones.size, 10_000);
  assert.deepEqual(viewOf(await database.load()), viewOf(cache));
});
