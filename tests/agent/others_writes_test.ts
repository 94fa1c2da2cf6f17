import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { OthersWrites } from "../../lib/agent/others_writes.ts";
import type { WatchEvent } from "../../lib/etcd/mod.ts";
import type { ComponentKeyCache, Intent, KeyRow } from "../../lib/keycache/mod.ts";

const FENCE = "/edgekeyd/n1/fence";
const HEADER = { expected: "life/1/a", next: "life/2/b", bump: "life/3/c", seq: 2 };

/** As much of a cache as tells what is held, and what is on its way. */
function cacheWith(rows: Readonly<Record<string, Partial<KeyRow>>>, deletes: readonly string[]) {
  const entries = deletes.map((key) => ({ action: "delete", key }));
  const intent = deletes.length > 0 ? { header: HEADER, entries } : undefined;
  const cache: unknown = {
    identity: { fenceKey: FENCE },
    fence: { expected: HEADER.expected },
    rows: new Map(Object.entries(rows)),
    intent: intent as Intent | undefined,
  };
  return cache as ComponentKeyCache;
}

const owners: KeyRow["owners"] = [{
  component: "kubelet",
  gvr: "pods.v1.core",
  source: "current",
  uid: "u",
  resourceVersion: "1",
  stamp: { size: 1, mtimeMs: 1, ctimeMs: 1, ino: 1 },
  readAtMs: 1,
}];
const deleted = (key: string, modRevision = "10"): WatchEvent => ({
  kind: "delete",
  key,
  value: "",
  modRevision,
});
const put = (value: string): WatchEvent => ({
  kind: "put",
  key: FENCE,
  value,
  modRevision: "10",
});

Deno.test("OthersWrites.about tells a held key that another deleted from all else that goes", () => {
  const cache = cacheWith({
    "/r/held": { owners, mod: "7" },
    "/r/unknown": { owners, mod: null },
    "/r/put-since": { owners, mod: "11" },
    "/r/to-go": { owners: [], mod: "7" },
    "/r/ours": { owners, mod: "7" },
  }, ["/r/ours"]);
  const others = new OthersWrites(() => cache);
  const about = (key: string) => others.about(deleted(key));
  deepStrictEqual(
    ["held", "unknown", "put-since", "to-go", "ours", "foreign"].map((name) => about(`/r/${name}`)),
    ["held", "held", undefined, undefined, undefined, undefined],
  );
});

Deno.test("OthersWrites.about goes by the Txn that is pending at the time", () => {
  const rows = { "/r/a": { owners, mod: "7" }, "/r/b": { owners, mod: "7" } };
  let cache = cacheWith(rows, ["/r/a"]);
  const others = new OthersWrites(() => cache);
  deepStrictEqual([others.about(deleted("/r/a")), others.about(deleted("/r/b"))], [
    undefined,
    "held",
  ]);
  cache = cacheWith(rows, ["/r/b"]);
  deepStrictEqual([others.about(deleted("/r/a")), others.about(deleted("/r/b"))], [
    "held",
    undefined,
  ]);
  cache = cacheWith(rows, []);
  strictEqual(others.about(deleted("/r/b")), "held");
});

Deno.test("OthersWrites.about takes what its own Txns leave in the fence for its own, and nothing else", () => {
  const pending = new OthersWrites(() => cacheWith({}, ["/r/a"]));
  for (const own of [HEADER.expected, HEADER.next, HEADER.bump]) {
    strictEqual(pending.about(put(own)), undefined, own);
  }
  for (const strange of ["life/2/d", "other/2/b", ""]) {
    strictEqual(pending.about(put(strange)), "fence", strange);
  }
  strictEqual(pending.about(deleted(FENCE)), "fence");
  const settled = new OthersWrites(() => cacheWith({}, []));
  strictEqual(settled.about(put(HEADER.next)), "fence");
});
