import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { checked } from "../../lib/etcd/checked.ts";
import type { Etcd, KeyValue, RangeRequest } from "../../lib/etcd/mod.ts";
import { memoryCache } from "../../lib/keycache/mod.ts";
import { unclaimedKeys, unclaimedNote } from "../../lib/reconcile/unclaimed_keys.ts";
import { CACHE_OPTIONS, contextOf } from "../fuzz/_pass.ts";
import { Prng } from "../sim/prng.ts";
import { MemoryFs } from "../fuzz/_memory_fs.ts";

const PODS = `${CACHE_OPTIONS.prefix}/pods/`;
const keyOf = (at: number) => `${PODS}d/p${String(at).padStart(8, "0")}`;

/** An etcd with so many pods, which an importer or an apiserver wrote. */
function crowded(pods: number, writer: "importer" | "apiserver") {
  const read = { values: 0 };
  const header = { cluster_id: "1", member_id: "1", revision: "7", raft_term: "1" };
  const value = Buffer.from(
    writer === "apiserver" ? "k8s\0" : '{"metadata":{"uid":"u","resourceVersion":"5"}}',
  );
  const kvOf = (key: string, keysOnly = false): KeyValue => ({
    key: Buffer.from(key),
    value: keysOnly ? Buffer.alloc(0) : value,
    mod_revision: "5",
    create_revision: "5",
    version: "1",
    lease: "0",
  });
  const range = (request: RangeRequest) => {
    if (!request.range_end) {
      read.values++;
      return { header, kvs: [kvOf(String(request.key))], more: false, count: "1" };
    }
    // A page begins at the prefix, or behind the last key of the page before.
    const first = Number(/p(\d+)\0$/.exec(String(request.key))?.[1] ?? -1) + 1;
    const count = Math.min(Number(request.limit), pods - first);
    const kvs = Array.from({ length: count }, (_, at) => kvOf(keyOf(first + at), true));
    return { header, kvs, more: first + count < pods, count: String(pods - first) };
  };
  const etcd: Etcd = checked({
    range: (request) => Promise.resolve(range(request)),
    rangeAll: (requests) => Promise.resolve({ header, answers: requests.map(range) }),
    txn: () => Promise.reject(new Error("nothing is written")),
    hasNoSpaceAlarm: () => Promise.resolve(false),
    watch: () => Promise.reject(new Error("nothing is watched")),
    close() {},
  });
  return { etcd, read };
}

Deno.test("unclaimedKeys() lists what importers wrote, as far as a person reads, and says that there is more", async (t) => {
  const cache = await memoryCache(CACHE_OPTIONS);
  const fs = new MemoryFs();
  const list = async (pods: number, writer: "importer" | "apiserver") => {
    const { etcd, read } = crowded(pods, writer);
    const source = { root: "/cache", fs, coverage: {}, settleMs: 0, maxObjectBytes: 1 };
    const context = contextOf(etcd, cache, new Prng(1));
    return { found: await unclaimedKeys(context, source, (key) => key === keyOf(1)), read };
  };
  fs.set("kubelet/pods.v1.core", { kind: "directory", entries: new Map() });

  await t.step("few", async () => {
    const { found } = await list(3, "importer");
    assert.deepEqual(found, { keys: [keyOf(0), keyOf(2)], areCut: false });
    assert.match(unclaimedNote(found) ?? "", /no component here: 2, /);
  });
  await t.step("as many as are listed", async () => {
    const { found } = await list(10_001, "importer");
    assert.deepEqual([found.keys.length, found.areCut], [10_000, false]);
  });
  await t.step("more than are listed", async () => {
    const { found, read } = await list(200_000, "importer");
    assert.deepEqual([found.keys.length, found.areCut], [10_000, true]);
    assert.match(unclaimedNote(found) ?? "", /no component here: 10000 or more, /);
    assert.ok(read.values < 11_000, `${read.values} values`);
  });
  await t.step("an apiserver's without number", async () => {
    const { found, read } = await list(200_000, "apiserver");
    assert.deepEqual([found.keys.length, found.areCut], [0, true]);
    assert.match(unclaimedNote(found) ?? "", /100000 were looked at, .*; there are more$/);
    assert.ok(read.values < 101_000, `${read.values} values`);
  });
  cache.close();
});
