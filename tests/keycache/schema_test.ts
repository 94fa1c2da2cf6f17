import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { ComponentKeyCache, holdStateDirectory, type KvStore } from "../../lib/keycache/mod.ts";
import { SCHEMA_VERSION } from "../../lib/keycache/schema.ts";
import { seal, unseal } from "../../lib/keycache/sealed.ts";
import { tearing, TestDatabase, viewOf } from "./_cache.ts";
import { FIXTURE_OPTIONS, makeSchema } from "./fixtures/make_schema.ts";

const fixture = (name: string) => fromFileUrl(new URL(`./fixtures/${name}`, import.meta.url));
const DYING = fixture("bring_up_and_die.ts");
const SCHEMAS = Array.from({ length: SCHEMA_VERSION }, (_, index) => index + 1);
const EARLIER = SCHEMAS.slice(0, -1);
/** So small that each record takes a commit of its own. */
const NARROW = { maxMutations: 1, maxKeyBytes: 4_000, maxTotalBytes: 9_000, maxValueBytes: 4_000 };

/** What a database of this schema held, as the edgekeyd that wrote it said. */
function wasIn(schema: number): Record<string, unknown> {
  const view = JSON.parse(Deno.readTextFileSync(fixture(`schema_${schema}.json`)));
  // The bytes of files were not noted in schema 1: they are to be read again.
  for (const [, file] of schema === 1 ? view.files : []) file.readAtMs = 0;
  return view;
}

/** What a cache answers, as JSON has it, but for the schema. */
function seenIn(cache: ComponentKeyCache): Record<string, unknown> {
  return JSON.parse(JSON.stringify(viewOf(cache)));
}

/** The same, of a database that this edgekeyd has brought up to its schema. */
function broughtUp(schema: number): Record<string, unknown> {
  const was = wasIn(schema);
  assert.ok(typeof was.identity === "object");
  return { ...was, identity: { ...was.identity, schema: SCHEMA_VERSION } };
}

function copyOf(schema: number, database: TestDatabase): TestDatabase {
  Deno.copyFileSync(fixture(`schema_${schema}.kv`), database.path);
  return database;
}

/** Each record, its key as text. */
async function recordsOf(store: KvStore): Promise<Map<string, Uint8Array>> {
  const records = new Map<string, Uint8Array>();
  for await (const { key, value } of store.list([])) records.set(key.join(" "), value);
  return records;
}

const identityIn = (records: Map<string, Uint8Array>) =>
  unseal(["head", "identity"], records.get("head identity") ?? new Uint8Array());

Deno.test("load() reads a database of each schema so far, and brings it up to the current one", async () => {
  for (const schema of SCHEMAS) {
    using database = copyOf(schema, new TestDatabase());
    const store = await database.store();
    const before = await recordsOf(store);
    const cache = await ComponentKeyCache.load(store, FIXTURE_OPTIONS);
    assert.deepEqual(seenIn(cache), broughtUp(schema), `schema ${schema}`);
    const after = await recordsOf(store);
    assert.deepEqual([...after.keys()], [...before.keys()]);
    // All but the head, and the pending intent, is written anew, once.
    for (const [key, value] of after) {
      const stays = schema === SCHEMA_VERSION || /^(head state|intent)/.test(key);
      assert.equal(Deno.inspect(value) === Deno.inspect(before.get(key)), stays, key);
    }
    const again = await ComponentKeyCache.load(tearing(store, 0), FIXTURE_OPTIONS);
    assert.deepEqual(seenIn(again), broughtUp(schema));
  }
});

Deno.test("a cache of an earlier schema goes on where it was: its pending intent is settled", async () => {
  for (const schema of EARLIER) {
    using database = copyOf(schema, new TestDatabase());
    const cache = await ComponentKeyCache.load(await database.store(), FIXTURE_OPTIONS);
    await cache.settle(cache.intent?.entries.map(() => true) ?? [], "77");
    const put = cache.rows.get("/registry/pods/default/put");
    assert.deepEqual([put?.mod, put?.resourceVersion, cache.intent], ["77", "10", undefined]);
    const loaded = await ComponentKeyCache.load(await database.store(), FIXTURE_OPTIONS);
    assert.deepEqual(viewOf(loaded), viewOf(cache));
  }
});

Deno.test("a database of the current schema holds what it held when the schema was made", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-schema-" });
  try {
    await makeSchema(directory);
    using made = new TestDatabase();
    Deno.copyFileSync(`${directory}/cache.kv`, made.path);
    using kept = copyOf(SCHEMA_VERSION, new TestDatabase());
    const before = await recordsOf(await kept.store());
    const now = await recordsOf(await made.store());
    // A kind of record that came since may be lost, and so needs no new schema.
    const kinds = new Set([...before.keys()].map((key) => key.split(" ")[0]));
    assert.deepEqual(
      new Map([...now].filter(([key]) => kinds.has(key.split(" ")[0]))),
      before,
      "the form of a record has changed: see lib/keycache/schema.ts",
    );
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("bringing up that dies at any commit leaves the old schema whole, or the new one", async () => {
  for (const schema of EARLIER) {
    let torn = 0;
    for (let atCommit = 0, done = false; !done; atCommit++) {
      using database = copyOf(schema, new TestDatabase());
      const store = { ...await database.store(), limits: NARROW };
      const before = await recordsOf(store);
      try {
        await ComponentKeyCache.load(tearing(store, atCommit), FIXTURE_OPTIONS);
        done = true;
      } catch (error) {
        assert.match(String(error), /torn/);
        torn++;
      }
      const left = await recordsOf(store);
      // An earlier edgekeyd reads all as it wrote it, or is told at once that this is beyond it.
      const { schema: said } = identityIn(left) as { schema: number };
      if (said === schema) assert.deepEqual(left, before);
      else assert.equal(said, SCHEMA_VERSION);
      const peeked = await ComponentKeyCache.peek(store, FIXTURE_OPTIONS);
      assert.ok(peeked);
      assert.deepEqual({ ...seenIn(peeked), identity: 0 }, { ...wasIn(schema), identity: 0 });
      assert.deepEqual(await recordsOf(store), left);
      const cache = await ComponentKeyCache.load(store, FIXTURE_OPTIONS);
      assert.deepEqual(seenIn(cache), broughtUp(schema), `commit ${atCommit}`);
    }
    assert.ok(torn > 5, `${torn} commits`);
  }
});

Deno.test("a process that is killed while it brings up a database leaves one that the next brings up", async () => {
  for (const schema of EARLIER) {
    for (const kill of ["before 0", "after 0", "before 3", "after 3", "after 5"]) {
      const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-schema-" });
      try {
        Deno.copyFileSync(fixture(`schema_${schema}.kv`), `${directory}/cache.kv`);
        const { signal } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--no-check", DYING, directory, kill],
          stdin: "null",
          stderr: "inherit",
        }).output();
        assert.equal(signal, "SIGKILL", kill);
        const held = await holdStateDirectory(directory, 10_000);
        const { cache, movedAside } = await held.openCache(FIXTURE_OPTIONS);
        assert.equal(movedAside, undefined, kill);
        assert.deepEqual(seenIn(cache), broughtUp(schema), kill);
        cache.close();
        held.release();
      } finally {
        Deno.removeSync(directory, { recursive: true });
      }
    }
  }
});

Deno.test("peekCache() looks at a database of any schema and changes nothing in it", async () => {
  for (const schema of SCHEMAS) {
    const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-schema-" });
    try {
      const path = `${directory}/cache.kv`;
      Deno.copyFileSync(fixture(`schema_${schema}.kv`), path);
      const held = await holdStateDirectory(directory, 10_000);
      const cache = await held.peekCache(FIXTURE_OPTIONS);
      assert.ok(cache);
      assert.deepEqual(seenIn(cache), wasIn(schema));
      await assert.rejects(cache.dropUnsent(), { reason: "io", message: /to look at it only/ });
      cache.close();
      held.release();
      assert.deepEqual(Deno.readFileSync(path), Deno.readFileSync(fixture(`schema_${schema}.kv`)));
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  }
});

Deno.test("peek() leaves a torn intent and an empty database as they are", async () => {
  using database = copyOf(SCHEMA_VERSION, new TestDatabase());
  const store = await database.store();
  await store.commit([{ delete: ["intent", "header"] }]);
  const before = await recordsOf(store);
  const cache = await ComponentKeyCache.peek(store, FIXTURE_OPTIONS);
  assert.ok(cache);
  assert.equal(cache.intent, undefined);
  assert.deepEqual(await recordsOf(store), before);
  using empty = new TestDatabase();
  const nothing = await empty.store();
  assert.equal(await ComponentKeyCache.peek(nothing, FIXTURE_OPTIONS), undefined);
  assert.equal((await recordsOf(nothing)).size, 0);
});

Deno.test("a field that is not known is ignored, and a record of an unknown kind left alone", async () => {
  using database = copyOf(SCHEMA_VERSION, new TestDatabase());
  const store = await database.store();
  const parsed = { "head identity": 0, "head state": 0, "intent header": 0 };
  for (const [name, value] of await recordsOf(store)) {
    const key = name.split(" ");
    if (key[0] === "intent" && key[1] === "chunk") continue;
    const known = unseal(key, value);
    const more = key[0] === "window"
      ? (known as unknown[][]).map((sample) => [...sample, "later"])
      : Array.isArray(known)
      ? [...known, "later"]
      : { ...known as object, later: true };
    if (name in parsed) parsed[name as keyof typeof parsed]++;
    await store.commit([{ set: key, value: seal(key, more) }]);
  }
  assert.deepEqual(Object.values(parsed), [1, 1, 1]);
  for (const key of [["later", "kind"], ["head", "later"]]) {
    await store.commit([{ set: key, value: seal(key, { what: "ever" }) }]);
  }
  const cache = await ComponentKeyCache.load(store, FIXTURE_OPTIONS);
  assert.deepEqual(seenIn(cache), wasIn(SCHEMA_VERSION));
  await cache.settle(cache.intent?.entries.map(() => true) ?? [], "77");
  const left = await recordsOf(store);
  assert.ok(left.has("later kind") && left.has("head later"));
  // One that is not whole is damage.
  await store.commit([{ set: ["later", "kind"], value: new Uint8Array([1, 2, 3, 4, 5]) }]);
  await assert.rejects(ComponentKeyCache.load(store, FIXTURE_OPTIONS), { reason: "damaged" });
});
