import assert from "node:assert/strict";
import { type CacheOptions } from "../../lib/keycache/mod.ts";
import { seal } from "../../lib/keycache/sealed.ts";
import { TestDatabase } from "./_cache.ts";
import { commit, deleteOf, ownerOf, putOf, random, rowOf } from "./_rows.ts";

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
