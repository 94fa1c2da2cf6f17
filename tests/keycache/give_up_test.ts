import assert from "node:assert/strict";
import { TestDatabase, viewOf } from "./_cache.ts";
import { commit, deleteOf, putOf, random, rowOf } from "./_rows.ts";

Deno.test("a new epoch makes every mod unknown, in memory and in the database", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  await commit(cache, [putOf(rowOf("a")), putOf(rowOf("b"))]);
  await cache.giveUp({ expected: null, seq: 4, newEpoch: true });
  assert.deepEqual([...cache.rows.values()].map(({ mod }) => mod), [null, null]);
  await commit(cache, [putOf(rowOf("b"))], "12");
  const loaded = await database.load();
  assert.deepEqual(viewOf(loaded), viewOf(cache));
  assert.equal(loaded.rows.get(rowOf("a").key)?.mod, null);
  assert.equal(loaded.rows.get(rowOf("b").key)?.mod, "12");
  assert.deepEqual(loaded.fence.epoch, 2);
});

Deno.test("giveUp() takes for ours nothing that no tombstone says was", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  const theirs = { ...rowOf("a"), ours: false, mod: "5" };
  await cache.keep(new Map([[theirs.key, theirs]]));
  const { uid, resourceVersion } = theirs;
  await cache.begin([{ ...putOf({ ...theirs, ours: true }), uid, resourceVersion }], random);
  await cache.giveUp({ expected: "x", seq: 4 });
  assert.deepEqual(cache.rows.get(theirs.key), theirs);
});

Deno.test("giveUp() knows the object that it deleted again under one of its name that was never put", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  const [deleted, next] = [rowOf("a"), rowOf("a", { uid: "u-2" })];
  await commit(cache, [putOf(deleted)]);
  await commit(cache, [deleteOf("a")]);
  await cache.begin([putOf(next)], random);
  await cache.giveUp({ expected: "x", seq: 4, newEpoch: true, redoDeletesAfter: 1 });
  assert.deepEqual(cache.rows.get(next.key), next);
  assert.deepEqual(
    cache.tombstones.get(next.key)?.versions.map(({ uid }) => uid),
    [deleted.uid],
  );
});

Deno.test("giveUp() makes the deletes after the restored seq due again, and no earlier ones", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  const names = ["a", "b", "c"];
  await commit(cache, names.map((name) => putOf(rowOf(name))));
  for (const name of names) await commit(cache, [deleteOf(name)]);
  await commit(cache, [putOf(rowOf("c"))]);
  assert.deepEqual([...cache.tombstones.values()].map(({ seq }) => seq), [2, 3]);
  await cache.giveUp({ expected: "x", seq: 6, newEpoch: true, redoDeletesAfter: 2 });
  assert.deepEqual([...cache.rows.keys()].sort(), [rowOf("b").key, rowOf("c").key]);
  assert.deepEqual(cache.rows.get(rowOf("b").key), rowOf("b", { owners: [] }));
  assert.deepEqual([...cache.tombstones.keys()], [rowOf("a").key]);
  assert.deepEqual(viewOf(await database.load()), viewOf(cache));
});

Deno.test("what is adopted stays so until endAdoption()", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  await cache.giveUp({ expected: "other/7/x", seq: 0, newEpoch: true, adopting: true });
  assert.equal((await database.load()).fence.adopting, true);
  await commit(cache, []);
  assert.equal(cache.fence.adopting, true);
  await cache.endAdoption();
  assert.equal((await database.load()).fence.adopting, false);
});
