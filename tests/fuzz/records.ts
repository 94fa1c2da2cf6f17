import assert from "node:assert/strict";
import { EdgekeydError } from "../../lib/errors.ts";
import { denoKvStore } from "../../lib/keycache/deno_kv_store.ts";
import {
  ComponentKeyCache,
  KeyCacheError,
  type KvKey,
  type KvStore,
} from "../../lib/keycache/mod.ts";
import { seal, unseal } from "../../lib/keycache/sealed.ts";
import { retire } from "../../lib/reconcile/mod.ts";
import { Prng } from "../sim/prng.ts";
import { contentsOf } from "./_etcd_contents.ts";
import { CACHE_OPTIONS, contextOf, pass } from "./_pass.ts";
import { placesIn } from "./_places.ts";
import { runCases, tell } from "./_seeds.ts";
import { FENCE_KEY, PREFIX, World } from "./_world.ts";

type Outcome = "refused" | "loaded";

Deno.test("records of a wrong shape with a right checksum: refused, or harmless", async () => {
  const seen: Record<Outcome, number> = { refused: 0, loaded: 0 };
  await runCases("records", async (seed) => {
    const kv = await Deno.openKv(":memory:");
    try {
      seen[await oneCase(new Prng(seed), denoKvStore(kv, "memory"))]++;
    } finally {
      kv.close();
    }
  });
  assert.ok(seen.refused > 0 && seen.loaded > 0, "both were met");
  tell(JSON.stringify(seen));
});

async function oneCase(prng: Prng, store: KvStore): Promise<Outcome> {
  const world = new World(prng);
  const born = await ComponentKeyCache.load(store, CACHE_OPTIONS);
  const bornIn = contextOf(world.etcd, born, prng);
  assert.equal((await pass(bornIn, world)).failure, undefined);
  if (prng.chance(0.5)) {
    for (const path of [...world.valid.keys()].slice(0, 3)) world.fs.remove(path);
    assert.equal((await pass(bornIn, world)).failure, undefined);
  }
  if (prng.chance(0.5)) {
    const { value: row } = born.rows.values().next();
    if (row) {
      const { key, uid, resourceVersion } = row;
      const entry = { action: "put", key, guardMod: row.mod ?? "0", after: row } as const;
      await born.begin([{ ...entry, uid, resourceVersion }], () => prng.hex());
    }
  }
  const told: string[] = [];
  await spoil(store, prng, told);
  const foreign = () => [...world.foreign.keys()].map((key) => contentsOf(world.model).get(key));
  const before = foreign();
  const said = () => told.join("\n");
  let cache: ComponentKeyCache;
  try {
    cache = await ComponentKeyCache.load(store, CACHE_OPTIONS);
  } catch (error) {
    assert.ok(
      error instanceof KeyCacheError,
      `${error instanceof Error && error.stack}\n${said()}`,
    );
    return "refused";
  }
  const context = contextOf(world.etcd, cache, prng);
  const { failure } = await pass(context, world);
  assert.ok(failure === undefined || failure instanceof EdgekeydError, `${failure}\n${said()}`);
  if (!failure) {
    const { failure: left } = await retire(context);
    assert.ok(left === undefined || left instanceof EdgekeydError, `${left}\n${said()}`);
  }
  assert.deepEqual(world.strayWrites, [], said());
  assert.deepEqual(foreign(), before, said());
  return "loaded";
}

/** Changes the records so that nobody sees it by a checksum. */
async function spoil(store: KvStore, prng: Prng, told: string[]): Promise<void> {
  const records: { key: KvKey; value: Uint8Array }[] = [];
  for await (const record of store.list([])) records.push(record);
  if (records.length === 0) return;
  const { key, value } = prng.pick(records);
  const isChunk = key[1] === "chunk";
  switch (prng.below(isChunk ? 2 : 5)) {
    case 0:
      told.push(`removed ${key}`);
      return await store.commit([{ delete: key }]);
    case 1: {
      const other = prng.pick([
        ["row", "/elsewhere/x"],
        ["row", `${PREFIX}x/pods/default/web-0`],
        ["row", FENCE_KEY],
        ["row"],
        ["sow", key[1] ?? ""],
        ["tombstone", "/other"],
        ["window", "\u0000"],
        ["intent", "chunk", "999999"],
        ["intent", "header"],
        ["head", "nothing"],
      ]);
      told.push(`moved ${key} to ${other}`);
      const moved = isChunk ? value : seal(other, unseal(key, value));
      return await store.commit([{ set: other, value: moved }]);
    }
    default: {
      const whole = { value: unseal(key, value) };
      const places = placesIn(whole);
      const { holder, name, path } = prng.pick(places);
      const odd = prng.pick(ODD);
      told.push(`${key}${path}: ${JSON.stringify(holder[name])} to ${JSON.stringify(odd)}`);
      holder[name] = odd;
      return await store.commit([{ set: key, value: seal(key, whole.value ?? null) }]);
    }
  }
}

const ODD: readonly unknown[] = [
  null,
  true,
  0,
  1,
  2,
  -1,
  1.5,
  1e300,
  "",
  "0",
  "-1",
  "NaN",
  "x",
  "pods.v1.core",
  "nodes.v1.core",
  "/other",
  `${PREFIX}x/pods/default/web-0`,
  `${PREFIX}/pods/default/foreign`,
  "99999999999999999999999",
  [],
  {},
  [[]],
];
