import assert from "node:assert/strict";
import fc from "fast-check";
import { type ComponentKeyCache, type IntentEntry, type KeyRow } from "../../lib/keycache/mod.ts";
import { entry, key, row } from "./_arbitraries.ts";
import { TestDatabase, viewOf } from "./_cache.ts";
import { ownerOf, putOf, random, rowOf } from "./_rows.ts";

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

Deno.test("keep() and settle() refuse to go behind or without a pending intent", async () => {
  using database = new TestDatabase();
  const cache = await database.load();
  await assert.rejects(cache.settle([], "1"), /no intent is pending/);
  await cache.begin([], random);
  await assert.rejects(cache.keep(new Map()), /while an intent is pending/);
});
