import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Findings } from "../../lib/agent/findings.ts";
import { memoryCache } from "../../lib/keycache/mod.ts";
import { cacheOptions } from "../keycache/_cache.ts";
import { outcome } from "./_outcome.ts";

Deno.test("Findings.tell() makes known what passed() judged, and looks at the cache again for other news", async () => {
  const cache = await memoryCache(cacheOptions());
  let looks = 0;
  const told: string[][] = [];
  const findings = new Findings({
    cacheRoot: "/cache",
    clusterId: undefined,
    setup: {},
    policy: "fresher",
    cache: () => (looks++, cache),
    log: () => {},
    monotonicMs: () => 0,
    changed: (conditions) => told.push(conditions.map(({ condition }) => condition)),
  });
  const invalid = [{ path: "kubelet/pods.v1.core/d/a", reason: "empty" }];
  const looked = {
    full: true,
    groups: undefined,
    fence: undefined,
    settleMs: 0,
    monotonicMs: 0,
  };
  findings.passed(outcome({ invalid }), looked, 1);
  const before = looks;
  findings.tell();
  strictEqual(looks, before, "the rows were looked at by passed()");
  findings.tell();
  deepStrictEqual([looks, told], [before, [["invalid-paths"]]], "nothing is new");
  findings.watched("a limit");
  findings.tell();
  strictEqual(looks, before + 1);
  deepStrictEqual(told, [["invalid-paths"], ["invalid-paths", "unwatched"]]);
  cache.close();
});
