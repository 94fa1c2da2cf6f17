import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { LaterLooks, momentOf } from "../../lib/agent/later_looks.ts";

const JITTER = { minMs: 500, maxMs: 2_000 };

/** Keys that have to do with no group. */
function keysAlone(...keys: string[]) {
  return { keys: new Set(keys), groups: new Set<string>() };
}

Deno.test("LaterLooks: each waits for a moment of its jitter, those of about one time together", () => {
  const looks = new LaterLooks(JITTER);
  strictEqual(looks.atMs, Infinity);
  looks.add({ keys: new Set(["a"]), groups: new Set(["app/pods"]) }, 1_000, 0.5);
  strictEqual(looks.atMs, momentOf(JITTER, 1_000, 0.5));
  strictEqual(looks.atMs, 2_250);
  looks.add(keysAlone("b"), 1_500, 0);
  looks.add(keysAlone("a"), 1_600, 1);
  looks.add(keysAlone("c"), 2_000, 0);
  deepStrictEqual([...looks.groups], ["app/pods"]);
  deepStrictEqual(looks.due(2_249), keysAlone());
  const due = { keys: new Set(["a", "b"]), groups: new Set(["app/pods"]) };
  deepStrictEqual(looks.due(2_250), due);
  looks.looked(due);
  deepStrictEqual([looks.atMs, looks.due(2_500)], [2_500, keysAlone("c")]);
  looks.add(keysAlone("d"), 2_300, 0);
  looks.looked();
  deepStrictEqual([looks.atMs, [...looks.groups]], [Infinity, []]);
});

Deno.test("LaterLooks: a key is looked at with its group, also if others of the group wait for another moment", () => {
  const looks = new LaterLooks(JITTER);
  const group = new Set(["app/pods"]);
  looks.add({ keys: new Set(["a"]), groups: group }, 1_000, 0);
  // Too late to go with the first.
  looks.add({ keys: new Set(["b"]), groups: group }, 1_400, 0);
  const first = looks.due(1_500);
  deepStrictEqual(first, { keys: new Set(["a"]), groups: group });
  looks.looked(first);
  deepStrictEqual([...looks.groups], ["app/pods"]);
  deepStrictEqual(looks.due(1_900), { keys: new Set(["b"]), groups: group });
});

Deno.test("LaterLooks: who comes to hold a key that waits already is looked at with it", () => {
  const looks = new LaterLooks(JITTER);
  looks.add({ keys: new Set(["a"]), groups: new Set(["app/pods"]) }, 1_000, 0);
  looks.add({ keys: new Set(["a", "b"]), groups: new Set(["web/pods"]) }, 1_400, 0);
  const groups = new Set(["app/pods", "web/pods"]);
  deepStrictEqual(looks.due(1_500), { keys: new Set(["a"]), groups });
  looks.add({ keys: new Set(["a"]), groups: new Set(["late/pods"]) }, 1_450, 0);
  deepStrictEqual(looks.due(1_500).groups, groups.union(new Set(["late/pods"])));
});

Deno.test("LaterLooks: a key that was looked at without its groups waits for its own moment", () => {
  const looks = new LaterLooks(JITTER);
  const all = { keys: new Set(["a"]), groups: new Set(["app/pods"]) };
  looks.add(all, 1_000, 0);
  looks.looked(keysAlone("a"));
  deepStrictEqual(looks.due(1_500), all);
  looks.looked(all);
  strictEqual(looks.atMs, Infinity);
});

Deno.test("LaterLooks holds a thousand keys at most, and says when it holds no more", () => {
  const looks = new LaterLooks(JITTER);
  const added = Array.from({ length: 1_001 }, (_, at) => looks.add(keysAlone(`k${at}`), 0, 0));
  deepStrictEqual([added.indexOf(false), added.at(-1)], [1_000, false]);
  strictEqual(looks.add(keysAlone("k7"), 0, 0), true, "it waits already");
});
