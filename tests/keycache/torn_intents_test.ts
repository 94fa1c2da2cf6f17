import assert from "node:assert/strict";
import { ComponentKeyCache } from "../../lib/keycache/mod.ts";
import { cacheOptions, tearing, TestDatabase, viewOf } from "./_cache.ts";
import { commit, putOf, random, rowOf } from "./_rows.ts";

const puts = (count: number) =>
  Array.from({ length: count }, (_, at) => putOf(rowOf(`many-${at}`)));
/** Their rows take three atomics, so that a settle() can be torn. */
const MANY = puts(2_500);
/** The intent alone takes more than one. */
const WHOLE_INTENT = puts(8_000);

Deno.test("an intent that was torn before its header was never sent: load() clears it away", async () => {
  using database = new TestDatabase();
  await commit(await database.load(), [putOf(rowOf("a"))]);
  const before = viewOf(await database.load());
  const store = await database.store();
  const torn = await ComponentKeyCache.load(tearing(store, 1), cacheOptions());
  await assert.rejects(torn.begin(WHOLE_INTENT, random), /torn/);
  const count = async () => {
    let chunks = 0;
    for await (const _ of store.list(["intent"])) chunks++;
    return chunks;
  };
  assert.ok(await count() > 1);
  await assert.rejects(torn.keep(new Map([["/registry/pods/d/x", null]])), {
    name: "KeyCacheError",
    reason: "io",
    message: /loaded again/,
  });
  const loaded = await database.load();
  assert.deepEqual(viewOf(loaded), before);
  assert.equal(await count(), 0);
  await commit(loaded, [putOf(rowOf("b"))]);
  assert.equal(loaded.rows.size, 2);
});

Deno.test("an intent that is written whole is loaded whole, over several atomics", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  const { header } = await cache.begin(WHOLE_INTENT, random);
  assert.ok(header.chunks > 13, `${header.chunks} chunks`);
  const loaded = await database.load();
  assert.deepEqual(loaded.intent, cache.intent);
  assert.deepEqual(loaded.intent?.entries, WHOLE_INTENT);
});

Deno.test("a settle() or giveUp() that was torn is completed by doing it again", async () => {
  for (
    const finish of [
      (cache: ComponentKeyCache) => cache.settle(MANY.map((_, at) => at % 3 !== 0), "77"),
      (cache: ComponentKeyCache) => cache.giveUp({ expected: null, seq: 9, newEpoch: true }),
    ]
  ) {
    using whole = new TestDatabase();
    const expected = await whole.load();
    await expected.begin(MANY, () => "same");
    await finish(expected);
    for (const at of [1, 2]) {
      using database = new TestDatabase();
      await (await database.load()).begin(MANY, () => "same");
      const store = await database.store();
      const torn = await ComponentKeyCache.load(tearing(store, at), cacheOptions());
      await assert.rejects(finish(torn), /torn/);
      const again = await database.load();
      assert.equal(again.intent?.entries.length, MANY.length);
      await finish(again);
      assert.deepEqual(viewOf(again), viewOf(expected));
      assert.deepEqual(viewOf(await database.load()), viewOf(expected));
    }
  }
});

Deno.test("giveUp() of a Txn that a restore undid trusts no mod of its torn outcome", async () => {
  using database = new TestDatabase();
  await (await database.load()).begin(MANY, random);
  const torn = await ComponentKeyCache.load(tearing(await database.store(), 1), cacheOptions());
  await assert.rejects(torn.settle(MANY.map(() => true), "77"), /torn/);
  const cache = await database.load();
  const mods = () => new Set([...cache.rows.values()].map(({ mod }) => mod));
  assert.deepEqual(mods(), new Set(["77"]));
  await cache.giveUp({ expected: "x", seq: 2 });
  assert.deepEqual(mods(), new Set([null]));
});

Deno.test("giveUp() takes back what a torn outcome says of keys that another changed", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  await commit(cache, MANY, "5");
  const updates = MANY.map(({ key }) => {
    const { uid, resourceVersion } = rowOf("");
    const after = { ...rowOf(""), key, resourceVersion: "8" };
    return { ...putOf(after), guardMod: "5", uid, resourceVersion };
  });
  await cache.begin(updates, random);
  const torn = await ComponentKeyCache.load(tearing(await database.store(), 4), cacheOptions());
  await assert.rejects(torn.settle(MANY.map(() => false), "77"), /torn/);
  const again = await database.load();
  const others = [...again.rows.values()].filter(({ ours }) => !ours);
  assert.ok(others.length > 0 && others.length < MANY.length, `${others.length} half written`);
  // The etcd that is back where it was holds what we put there first.
  await again.giveUp({ expected: "x", seq: 4 });
  for (const { ours, mod, uid, resourceVersion, owners } of again.rows.values()) {
    assert.deepEqual([ours, uid, resourceVersion, owners.length], [true, "u-1", "7", 1]);
    assert.ok(mod === null || mod === "5", mod ?? "");
  }
});

Deno.test("a second begin() is refused by the database, whatever memory says, and harms nothing", async () => {
  using database = new TestDatabase();
  const [first, second] = [await database.load(), await database.load()];
  const pending = await first.begin(WHOLE_INTENT, random);
  for (const entries of [[putOf(rowOf("x"))], WHOLE_INTENT.toReversed()]) {
    const other = entries.length === 1 ? second : await unaware(database);
    await assert.rejects(other.begin(entries, random), {
      name: "KeyCacheError",
      reason: "io",
      message: /already pending/,
    });
    assert.deepEqual((await database.load()).intent, pending);
  }
});

/** A cache that was loaded before an intent came to be pending. */
async function unaware(database: TestDatabase): Promise<ComponentKeyCache> {
  const store = await database.store();
  return await ComponentKeyCache.load({
    ...store,
    async *list(prefix) {
      for await (const record of store.list(prefix)) {
        if (record.key[0] !== "intent") yield record;
      }
    },
  }, cacheOptions());
}
