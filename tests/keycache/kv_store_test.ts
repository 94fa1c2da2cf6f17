import assert from "node:assert/strict";
import fc from "fast-check";
import { denoKvStore } from "../../lib/keycache/deno_kv_store.ts";
import { cutIntoAtomics, type KvKey, type KvMutation } from "../../lib/keycache/kv_store.ts";

const encoder = new TextEncoder();

/** A key of so many encoded bytes (2 for each segment's frame), told apart by `at`. */
function keyOf(at: number, encodedBytes: number, unit: string): KvKey {
  const head = String(at).padStart(6, "0");
  const room = encodedBytes - "row".length - head.length - 4;
  const wide = encoder.encode(unit).length;
  return ["row", head + unit.repeat(Math.floor(room / wide)) + "x".repeat(room % wide)];
}

interface Size {
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly set: boolean;
  readonly unit: string;
}

const size: fc.Arbitrary<Size> = fc.record({
  keyBytes: fc.oneof(fc.integer({ min: 30, max: 120 }), fc.integer({ min: 30, max: 2_048 })),
  valueBytes: fc.oneof(
    fc.integer({ min: 0, max: 400 }),
    fc.integer({ min: 0, max: 4_000 }),
    fc.integer({ min: 0, max: 65_536 }),
  ),
  set: fc.boolean(),
  unit: fc.constantFrom("k", "é", "名", "😀"),
});

/** Equal and mixed sizes, so that each of the limits is the first to be met. */
const sizes: fc.Arbitrary<Size[]> = fc.oneof(
  fc.tuple(size, fc.integer({ min: 0, max: 1_500 })).map(([one, count]) => Array(count).fill(one)),
  fc.array(size, { maxLength: 300 }),
);
const tail = fc.array(size, { maxLength: 12 });

function mutation(at: number, { keyBytes, valueBytes, set, unit }: Size): KvMutation {
  const key = keyOf(at, keyBytes, unit);
  return set ? { set: key, value: new Uint8Array(valueBytes) } : { delete: key };
}

const TAIL_FROM = 900_000;

function mutationsOf(sizes: readonly Size[], from = 0): KvMutation[] {
  return sizes.map((one, at) => mutation(from + at, one));
}

Deno.test("cutIntoAtomics() keeps order, and all of `last` at the end of the last atomic", () => {
  fc.assert(
    fc.property(sizes, tail, (sizes, tail) => {
      const list = mutationsOf(sizes);
      const last = mutationsOf(tail, TAIL_FROM);
      const atomics = [...cutIntoAtomics(list, last)];
      const flat = atomics.flat();
      assert.equal(flat.length, list.length + last.length);
      [...list, ...last].forEach((one, at) => assert.ok(flat[at] === one, String(at)));
      assert.ok((atomics.at(-1)?.length ?? 0) >= last.length);
      assert.equal(atomics.some((atomic) => atomic.length === 0), flat.length === 0);
    }),
    { numRuns: 60 },
  );
});

Deno.test("cutIntoAtomics() cuts by count, by the sum of keys and by the sum of all", () => {
  const cut = (count: number, keyBytes: number, valueBytes: number) => {
    const one = { keyBytes, valueBytes, set: true, unit: "k" };
    const list = Array.from({ length: count }, (_, at) => mutation(at, one));
    return Array.from(cutIntoAtomics(list, []), (atomic) => atomic.length);
  };
  assert.deepEqual(cut(2_500, 30, 10), [1_000, 1_000, 500]);
  assert.deepEqual(cut(1_000, 160, 300), [500, 500]);
  assert.deepEqual(cut(30, 100, 60_000), [13, 13, 4]);
});

Deno.test("every atomic of cutIntoAtomics() is taken by a real Deno KV", async () => {
  const kv = await Deno.openKv(":memory:");
  const store = denoKvStore(kv, "memory");
  try {
    await fc.assert(
      fc.asyncProperty(sizes, tail, async (sizes, tail) => {
        const list = mutationsOf(sizes);
        const last = mutationsOf(tail, TAIL_FROM);
        for (const atomic of cutIntoAtomics(list, last)) await store.commit(atomic, ["absent"]);
        const [first] = list;
        if (first && "set" in first) {
          const entry = await kv.get<Uint8Array>([...first.set]);
          assert.equal(entry.value?.length, first.value.length);
        }
      }),
      { numRuns: 60 },
    );
    // Keys that count most against values: Deno KV counts each key twice in the total.
    const fat = Array.from(
      { length: 600 },
      (_, at) => mutation(at, { keyBytes: 120, valueBytes: 2_540, set: true, unit: "k" }),
    );
    for (const atomic of cutIntoAtomics(fat, [])) await store.commit(atomic);
  } finally {
    store.close();
  }
});

Deno.test("Deno KV still has the limits that cutIntoAtomics() goes by", async () => {
  using kv = await Deno.openKv(":memory:");
  const commit = async (list: KvMutation[]) => {
    const atomic = kv.atomic();
    for (const one of list) if ("set" in one) atomic.set([...one.set], one.value);
    try {
      return (await atomic.commit()).ok;
    } catch (error) {
      return String(error);
    }
  };
  const set = (at: number, keyBytes: number, valueBytes: number) =>
    mutation(at, { keyBytes, valueBytes, set: true, unit: "k" });
  const sets = (count: number, keyBytes: number, valueBytes: number) =>
    Array.from({ length: count }, (_, at) => set(at, keyBytes, valueBytes));
  assert.equal(await commit(sets(1_000, 30, 1)), true);
  assert.match(String(await commit(sets(1_001, 30, 1))), /Too many mutations \(max 1000\)/);
  assert.equal(await commit(sets(80, 1_024, 1)), true);
  assert.match(
    String(await commit([...sets(79, 1_024, 1), set(79, 1_025, 1)])),
    /Total key size too large \(max 81920 bytes\)/,
  );
  // 819,200 B = 20 values + twice 20 keys.
  assert.equal(await commit(sets(20, 480, 40_000)), true);
  assert.match(
    String(await commit([...sets(19, 480, 40_000), set(19, 480, 40_001)])),
    /Total mutation size too large \(max 819200 bytes\)/,
  );
  assert.equal(await commit([set(0, 2_048, 65_536)]), true);
  assert.match(String(await commit([set(0, 2_049, 1)])), /Key too large for write/);
  assert.match(String(await commit([set(0, 30, 65_537)])), /Value too large \(max 65536 bytes\)/);
});

Deno.test("denoKvStore() commits all or nothing, in key order, and only if `absent` is", async () => {
  const kv = await Deno.openKv(":memory:");
  const store = denoKvStore(kv, "/state/cache.kv");
  try {
    const value = encoder.encode("v");
    await store.commit([{ set: ["a", "2"], value }, { set: ["a", "10"], value }]);
    await store.commit([{ set: ["b"], value }, { delete: ["a", "2"] }], ["c"]);
    await assert.rejects(
      store.commit([{ set: ["c"], value }, { delete: ["a", "10"] }], ["b"]),
      { name: "KeyCacheError", reason: "io", message: /\/state\/cache\.kv: .*already pending/ },
    );
    const found: string[] = [];
    for await (const { key } of store.list([])) found.push(key.join("/"));
    assert.deepEqual(found, ["a/10", "b"]);
    await kv.set(["a", "x"], "not bytes");
    await assert.rejects(async () => {
      for await (const _ of store.list(["a"]));
    }, { name: "KeyCacheError", reason: "damaged" });
    await assert.rejects(
      store.commit([{ set: ["a".repeat(2_047)], value }]),
      { name: "KeyCacheError", reason: "io", message: /cannot write \/state\/cache\.kv/ },
    );
  } finally {
    store.close();
  }
});
