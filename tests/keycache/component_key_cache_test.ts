import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type CacheOptions,
  ComponentKeyCache,
  type IntentEntry,
  type KeyRow,
  type Owner,
} from "../../lib/keycache/mod.ts";
import { seal } from "../../lib/keycache/sealed.ts";
import { entry, key, row } from "./_arbitraries.ts";
import { cacheOptions, tearing, TestDatabase, viewOf } from "./_cache.ts";

const DAY_MS = 24 * 3_600_000;

function ownerOf(changes: Partial<Owner> = {}): Owner {
  return {
    component: "kubelet",
    gvr: "pods.v1.core",
    source: "current",
    uid: "u-1",
    resourceVersion: "7",
    stamp: { size: 100, mtimeMs: 1, ctimeMs: 2, ino: 3 },
    readAtMs: 4,
    ...changes,
  };
}

function rowOf(name: string, changes: Partial<KeyRow> = {}): KeyRow {
  return {
    key: `/registry/pods/default/${name}`,
    ours: true,
    mod: null,
    uid: "u-1",
    resourceVersion: "7",
    owners: [ownerOf()],
    ...changes,
  };
}

function putOf(after: KeyRow): IntentEntry {
  return { action: "put", key: after.key, guardMod: "0", after, uid: "", resourceVersion: "" };
}

function deleteOf(name: string): IntentEntry {
  return {
    action: "delete",
    key: `/registry/pods/default/${name}`,
    guardMod: "5",
    after: null,
    uid: "u-1",
    resourceVersion: "7",
  };
}

let drawn = 0;
const random = () => `r${drawn++}`;

/** A batch from begin to settle, in which every guard holds. */
async function commit(cache: ComponentKeyCache, entries: IntentEntry[], revision = "9") {
  await cache.begin(entries, random);
  await cache.settle(entries.map(() => true), revision);
}

Deno.test("load() gives birth to a cache that a second load() finds as it was", async () => {
  using database = new TestDatabase();
  let lives = 0;
  const newLife = () => `life-${lives++}`;
  const born = await database.load({ newLife });
  assert.deepEqual(born.identity, {
    schema: 2,
    life: "life-0",
    nodeName: "edge-1",
    prefix: "/registry",
    fenceKey: "/edgekeyd/edge-1/fence",
  });
  assert.deepEqual(born.fence, { expected: null, seq: 0, epoch: 1, adopting: false });
  assert.equal(born.rows.size + born.files.size + born.tombstones.size, 0);
  assert.deepEqual(viewOf(await database.load({ newLife })), viewOf(born));
  assert.equal(lives, 1);
});

Deno.test("begin() writes down fence values that begin with life and seq and are never used twice", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  const first = await cache.begin([], random);
  const { life } = cache.identity;
  assert.deepEqual([first.header.expected, first.header.seq], [null, 1]);
  assert.ok(first.header.next.startsWith(`${life}/1/`));
  assert.ok(first.header.bump.startsWith(`${life}/2/`));
  await cache.settle([], "2");
  assert.deepEqual([cache.fence.expected, cache.fence.seq], [first.header.next, 1]);
  const second = await cache.begin([], random);
  assert.deepEqual([second.header.expected, second.header.seq], [first.header.next, 2]);
  await cache.giveUp({ expected: second.header.bump, seq: second.header.seq + 1 });
  const third = await cache.begin([], random);
  assert.deepEqual([third.header.expected, third.header.seq], [second.header.bump, 4]);
  const values = [first, second, third].flatMap(({ header }) => [header.next, header.bump]);
  assert.equal(new Set(values).size, 6);
});

Deno.test("settle() records a put with the Txn's revision as its mod, and a failed guard as another's", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  const [a, b, c] = [rowOf("a"), rowOf("b"), rowOf("c")];
  await cache.begin([putOf(a), putOf(b), { ...putOf(c), action: "keep" }], random);
  assert.equal(cache.rows.size, 0);
  await cache.settle([true, false, true], "42");
  assert.equal(cache.intent, undefined);
  assert.deepEqual(cache.rows.get(a.key), { ...a, mod: "42" });
  assert.deepEqual(cache.rows.get(b.key), {
    ...b,
    ours: false,
    mod: null,
    uid: "",
    resourceVersion: "",
  });
  assert.deepEqual(cache.rows.get(c.key), c);
  assert.deepEqual(viewOf(await database.load()), viewOf(cache));
});

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

Deno.test("the indexes by component, gvr and path follow every change of owners", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  const older = ownerOf({ component: "metrics", source: "older" });
  const api = ownerOf({ component: "api", source: "api" });
  const cluster: KeyRow = {
    ...rowOf("x", { owners: [ownerOf({ gvr: "nodes.v1.core" })] }),
    key: "/registry/minions/n",
  };
  await cache.keep(
    new Map([
      ["/registry/minions/n", cluster],
      [rowOf("a").key, rowOf("a", { owners: [ownerOf(), older, api] })],
      [rowOf("b").key, rowOf("b")],
    ]),
  );
  const index = () =>
    Object.fromEntries(
      [...cache.byOwner].map(([component, resources]) => [
        component,
        Object.fromEntries([...resources].map(([gvr, keys]) => [gvr, [...keys].sort()])),
      ]),
    );
  const [a, b] = [rowOf("a").key, rowOf("b").key];
  assert.deepEqual(index(), {
    kubelet: { "pods.v1.core": [a, b], "nodes.v1.core": ["/registry/minions/n"] },
    metrics: { "pods.v1.core": [a] },
    api: { "pods.v1.core": [a] },
  });
  assert.deepEqual([...cache.files.keys()].sort(), [
    "kubelet/nodes.v1.core/n",
    "kubelet/pods.v1.core/default/a",
    "kubelet/pods.v1.core/default/b",
    "metrics/pods/default/a",
  ]);
  assert.equal(cache.file("metrics/pods/default/a")?.owner, older);
  assert.equal(cache.pathOf(a, api), undefined);

  await cache.keep(new Map([[a, rowOf("a", { owners: [api] })], [b, null]]));
  assert.deepEqual(index(), {
    kubelet: { "nodes.v1.core": ["/registry/minions/n"] },
    api: { "pods.v1.core": [a] },
  });
  assert.deepEqual([...cache.files.keys()], ["kubelet/nodes.v1.core/n"]);
});

/** What can happen to a cache, as `apply` and `recover` make it happen. */
type Step =
  | { kind: "keep"; rows: KeyRow[]; gone: string[] }
  | { kind: "settle"; entries: IntentEntry[]; outcome: boolean[]; revision: string }
  | { kind: "dropUnsent"; entries: IntentEntry[] }
  | { kind: "giveUp"; entries: IntentEntry[] | undefined; how: Record<string, unknown> };

const entries = fc.uniqueArray(entry, { maxLength: 5, selector: (one) => one.key });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("keep" as const),
    rows: fc.uniqueArray(row, { maxLength: 3, selector: (one) => one.key }),
    gone: fc.array(key, { maxLength: 2 }),
  }),
  fc.record({
    kind: fc.constant("settle" as const),
    entries,
    outcome: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    revision: fc.integer({ min: 1, max: 1_000 }).map(String),
  }),
  fc.record({ kind: fc.constant("dropUnsent" as const), entries }),
  fc.record({
    kind: fc.constant("giveUp" as const),
    entries: fc.option(entries, { nil: undefined }),
    how: fc.record({
      newEpoch: fc.boolean(),
      adopting: fc.boolean(),
      redoDeletesAfter: fc.nat(6),
    }, { requiredKeys: [] }),
  }),
);

async function take(cache: ComponentKeyCache, one: Step): Promise<void> {
  switch (one.kind) {
    case "keep":
      return await cache.keep(
        new Map<string, KeyRow | null>([
          ...one.gone.map((gone) => [gone, null] as const),
          ...one.rows.map((kept) => [kept.key, kept] as const),
        ]),
      );
    case "settle":
      await cache.begin(one.entries, random);
      return await cache.settle(
        one.entries.map(({ action }, at) => action === "keep" || one.outcome[at] === true),
        one.revision,
      );
    case "dropUnsent":
      await cache.begin(one.entries, random);
      return await cache.dropUnsent();
    case "giveUp":
      if (one.entries) await cache.begin(one.entries, random);
      return await cache.giveUp({
        expected: cache.intent?.header.bump ?? cache.fence.expected,
        seq: cache.fence.seq + 2,
        ...one.how,
      });
  }
}

Deno.test("after every step, memory is what a new process would load", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
      using database = new TestDatabase();
      const cache = await database.load();
      for (const one of steps) {
        if (one.kind !== "keep" && one.kind !== "giveUp") {
          await cache.begin(one.entries, random);
          assert.deepEqual(viewOf(await database.load()), viewOf(cache));
          await cache.dropUnsent();
        }
        await take(cache, one);
        assert.deepEqual(viewOf(await database.load()), viewOf(cache));
      }
    }),
    { numRuns: 25 },
  );
});

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

Deno.test("keep() and settle() refuse to go behind or without a pending intent", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  await assert.rejects(cache.settle([], "1"), /no intent is pending/);
  await cache.begin([], random);
  await assert.rejects(cache.keep(new Map()), /while an intent is pending/);
});

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

Deno.test("load() refuses a cache of another node or prefix, and of a newer edgekeyd", async () => {
  using database = new TestDatabase();
  await database.load();
  const refused = async (changes: Partial<CacheOptions>, expected: object) => {
    await assert.rejects(database.load(changes), { name: "KeyCacheError", ...expected });
  };
  await refused({ nodeName: "edge-2" }, {
    reason: "mismatch",
    message: /belongs to --node-name edge-1, not edge-2/,
  });
  await refused({ prefix: "/pool" }, {
    reason: "mismatch",
    message: /belongs to --etcd-prefix \/registry, not \/pool/,
  });
  const store = await database.store();
  const identity = ["head", "identity"];
  await store.commit([{ set: identity, value: seal(identity, { schema: 3, of: "the future" }) }]);
  await refused({}, {
    reason: "newer-schema",
    message:
      /cache\.kv was written by a newer edgekeyd \(schema 3; this one knows 1 to 2\); run that/,
  });
});

Deno.test("load() calls a cache damaged whose records are missing, cut, or not what they should be", async () => {
  const good = async (database: TestDatabase) => {
    const cache = await database.load();
    await commit(cache, [putOf(rowOf("a")), deleteOf("b")]);
    await cache.begin([putOf(rowOf("c"))], random);
    return await database.store();
  };
  const row = ["row", rowOf("a").key];
  const tombstone = ["tombstone", rowOf("a").key];
  const header = ["intent", "header"];
  const chunk = ["intent", "chunk", "000000"];
  const bytes = (text: string) => new TextEncoder().encode(text);
  const damages: [what: string, key: string[], value: Uint8Array | undefined][] = [
    ["no identity", ["head", "identity"], undefined],
    ["no state", ["head", "state"], undefined],
    ["an empty identity", ["head", "identity"], seal(["head", "identity"], {})],
    ["an empty state", ["head", "state"], seal(["head", "state"], {})],
    ["a row without its checksum", row, bytes("[1]")],
    ["a row of another shape", row, seal(row, [1])],
    ["a row under another key", row, seal(["row", "/other"], [1])],
    ["no chunk", chunk, undefined],
    ["a chunk that is not JSON", chunk, bytes("[")],
    ["another chunk", chunk, bytes("[]")],
    ["a header of another shape", header, seal(header, { seq: 1 })],
    ["a tombstone of another shape", tombstone, seal(tombstone, {})],
    ...["none", {}, [null], [["u"]], [["u", 1]]].map((
      others,
    ): [string, string[], Uint8Array] => [
      `a tombstone with the others ${JSON.stringify(others)}`,
      tombstone,
      seal(tombstone, {
        key: rowOf("a").key,
        uid: "u",
        resourceVersion: "1",
        seq: 1,
        others,
      }),
    ]),
    ["a window of another shape", ["window", "x"], seal(["window", "x"], 7)],
  ];
  for (const [what, at, value] of damages) {
    using database = new TestDatabase();
    const store = await good(database);
    await store.commit([value ? { set: at, value } : { delete: at }]);
    await assert.rejects(database.load(), { name: "KeyCacheError", reason: "damaged" }, what);
  }
  // An owner whose gvr can't have this key.
  using database = new TestDatabase();
  const cache = await database.load();
  const wrong = rowOf("a", { owners: [ownerOf({ gvr: "nodes.v1.core" })] });
  await assert.rejects(cache.keep(new Map([["/registry/pods/default/a", wrong]])), {
    reason: "damaged",
  });
});
