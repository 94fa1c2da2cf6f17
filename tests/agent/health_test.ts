import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  groupsToLookAt,
  type Health,
  healthAfter,
  healthAfterFailure,
  healthAfterRetiring,
  type Looked,
  UNKNOWN_HEALTH,
} from "../../lib/agent/health.ts";
import { EtcdError } from "../../lib/etcd/mod.ts";
import type { ReconcileOutcome } from "../../lib/reconcile/mod.ts";
import { outcome } from "./_outcome.ts";

/** A full pass. */
const FULL: Looked = {
  full: true,
  groups: undefined,
  components: ["a", "b"],
  settleMs: 2_000,
  monotonicMs: 0,
  fence: undefined,
};
/** A pass over some groups. */
const over = (...groups: string[]): Looked => ({ ...FULL, full: false, groups: new Set(groups) });

Deno.test("health: a full pass says all, one over groups only of these", () => {
  const invalid = [{ path: "a/pods.v1.core/x/p", reason: "r" }, {
    path: "b/tmp_pods.v1.core/x/p",
    reason: "r",
  }];
  const full = healthAfter(
    UNKNOWN_HEALTH,
    outcome({
      invalid,
      heldBack: [{ component: "a", deletes: 3 }, { component: "b", deletes: 4 }],
    }),
    FULL,
    1_000,
  );
  strictEqual(full.lastSuccessMs, 1_000);
  strictEqual(full.etcd, "reachable");
  const partial = healthAfter(full, outcome({ revision: "" }), over("b/pods.v1.core"), 2_000);
  deepStrictEqual(partial.invalid.map(({ path }) => path), ["a/pods.v1.core/x/p"]);
  const kept = partial.heldBack.map(({ component }) => component);
  deepStrictEqual(kept, ["a", "b"], "what is held back in other groups is not seen, nor over");
  strictEqual(partial.lastSuccessMs, 1_000);
  strictEqual(partial.revision, "7", "a pass that asked etcd nothing leaves its revision");
  deepStrictEqual([...partial.componentsSyncedMs], [["a", 1_000], ["b", 2_000]]);
  deepStrictEqual(groupsToLookAt(full, new Set(["c/pods.v1.core"])), new Set(["c/pods.v1.core"]));
  const all = "where deletes are held back, only a look at everything tells whether they still are";
  strictEqual(groupsToLookAt(full, new Set(["b/x.v1.core", "c/x.v1.core"])), undefined, all);
  const everything = healthAfter(full, outcome(), { ...FULL, full: false }, 3_000);
  deepStrictEqual([everything.heldBack, everything.invalid], [[], []]);
  strictEqual(everything.lastSuccessMs, 1_000, "etcd was not looked at");
  deepStrictEqual([...everything.componentsSyncedMs.values()], [3_000, 3_000]);
});

Deno.test("health: a full pass puts right what was known of the fence as it began, and not what was seen since", () => {
  const seen = () => ({ kind: "reset", key: "/edgekeyd/n1/fence" });
  const fence = seen();
  const before: Health = { ...UNKNOWN_HEALTH, fence };
  const after = (health: Health, looked: Looked) => healthAfter(health, outcome(), looked, 1).fence;
  strictEqual(after(before, { ...FULL, fence }), undefined);
  deepStrictEqual(after(before, { ...FULL, full: false, fence }), fence);
  deepStrictEqual(after(before, FULL), fence);
  deepStrictEqual(after({ ...before, fence: seen() }, { ...FULL, fence }), fence, "seen again");
});

Deno.test("health: what is invalid above the groups is named once, and no more once it is mended", () => {
  const named = (health: Health) => health.invalid.map(({ path }) => path);
  const bad = (...paths: string[]) =>
    outcome({ invalid: paths.map((path) => ({ path, reason: "r" })) });
  const full = healthAfter(UNKNOWN_HEALTH, bad("a", "tmp_b", "c%", "a/x.y/z"), FULL, 1);
  const again = healthAfter(full, bad("a"), over("a/pods.v1.core"), 2);
  deepStrictEqual(named(again), ["tmp_b", "c%", "a/x.y/z", "a"]);
  const mended = healthAfter(again, outcome(), over("a/pods.v1.core", "b/pods.v1.core"), 3);
  deepStrictEqual(named(mended), ["c%", "a/x.y/z"]);
  // Whatever a pass names, it is not named twice.
  const twice = healthAfter(mended, bad("a/x.y/z"), over("b/pods.v1.core"), 4);
  deepStrictEqual(named(twice), ["c%", "a/x.y/z"]);
});

Deno.test("health: a group that stays half rewritten is said after a minute, without a break", () => {
  const [a, b] = ["a/pods.v1.core", "b/pods.v1.core"];
  const rewriting = (...groups: string[]): ReconcileOutcome => ({
    ...outcome(),
    rewriting: groups,
  });
  const at = (seconds: number, looked: Looked = FULL): Looked => ({
    ...looked,
    monotonicMs: seconds * 1_000,
  });
  const first = healthAfter(UNKNOWN_HEALTH, rewriting(a, b), at(100), 1);
  // The wall clock does not count, nor what the settle time alone accounts for.
  const almost = healthAfter(first, rewriting(a, b), at(162), 9e12);
  deepStrictEqual(almost.halfRewritten, []);
  const over62 = healthAfter(almost, rewriting(b), at(162.1, over(b)), 1);
  deepStrictEqual(over62.halfRewritten, [a, b]);
  deepStrictEqual(
    healthAfterFailure(over62, new EtcdError("timeout", "late")).halfRewritten,
    [a, b],
    "a pass that failed says nothing of it",
  );
  const mended = healthAfter(over62, rewriting(), at(170, over(b)), 1);
  deepStrictEqual(mended.halfRewritten, [a], "nobody looked at it");
  const again = healthAfter(mended, rewriting(b), at(200), 1);
  deepStrictEqual(again.halfRewritten, [], "a begins anew once it was seen at rest, and so does b");
  deepStrictEqual(healthAfter(again, rewriting(b), at(262), 1).halfRewritten, []);
  deepStrictEqual(healthAfter(again, rewriting(b), at(263), 1).halfRewritten, [b]);
});

Deno.test("health: a group is busy if the same file was missing for a minute, rewritten meanwhile or not", () => {
  const [a, b] = ["a/nodes.v1.core", "b/pods.v1.core"];
  const missing = (...groups: [string, number][]): ReconcileOutcome => ({
    ...outcome(),
    missing: new Map(
      groups.map(([group, seconds]) => [
        group,
        { firstMs: seconds * 1_000, sinceMs: undefined },
      ]),
    ),
  });
  const at = (seconds: number, looked: Looked = FULL): Looked => ({
    ...looked,
    monotonicMs: seconds * 1_000,
  });
  let health = UNKNOWN_HEALTH;
  // One file after the other is removed from a, and each is told to be gone.
  for (let second = 100; second < 300; second += 2) {
    health = healthAfter(health, missing([a, second], [b, 100]), at(second), 1);
    deepStrictEqual(health.busy, second > 162 ? [b] : []);
  }
  health = healthAfter(health, missing(), at(300, over(a)), 1);
  deepStrictEqual(health.busy, [b], "nobody looked at it");
  const rewriting = { ...outcome(), rewriting: [b] };
  health = healthAfter(health, rewriting, at(301), 1);
  deepStrictEqual(health.busy, [b], "a rewrite is under way, as at every other look");
  health = healthAfter(health, missing([b, 100]), at(302), 1);
  deepStrictEqual(health.busy, [b]);
  for (const second of [303, 330, 366]) {
    health = healthAfter(health, rewriting, at(second), 1);
  }
  deepStrictEqual([health.busy, health.halfRewritten], [[], [b]], "that rewrite is not at work");
  health = healthAfter(health, missing([b, 100]), at(400), 1);
  deepStrictEqual(health.busy, [], "it waits since the rewrite");
  health = healthAfter(health, missing([b, 100]), at(463), 1);
  deepStrictEqual(health.busy, [b]);
  // Every other look finds it half rewritten, and the others that a file is missing.
  health = healthAfter(health, missing(), at(500), 1);
  for (let second = 600; second < 700; second += 2) {
    health = healthAfter(health, rewriting, at(second), 1);
    health = healthAfter(health, missing([b, 601]), at(second + 1), 1);
    deepStrictEqual(health.busy, second + 1 > 663 ? [b] : [], `${second}`);
  }
});

Deno.test("health: another cluster than before is said until that one answers again", () => {
  const passes = (...clusters: string[]) =>
    clusters.reduce(
      (health, clusterId) => healthAfter(health, outcome({ clusterId }), FULL, 1),
      UNKNOWN_HEALTH,
    ).clusterChange;
  strictEqual(passes("7", "7"), undefined);
  deepStrictEqual(passes("7", "8"), { before: "7", now: "8" });
  deepStrictEqual(passes("7", "8", "", "8"), { before: "7", now: "8" });
  deepStrictEqual(passes("7", "8", "9"), { before: "7", now: "9" });
  strictEqual(passes("7", "8", "7"), undefined);
});

Deno.test("health: which failures mean that etcd is away", () => {
  const after = (reason: EtcdError["reason"], before: Health = UNKNOWN_HEALTH) =>
    healthAfterFailure(before, new EtcdError(reason, `it is ${reason}`));
  for (const reason of ["unreachable", "timeout", "unavailable", "tls"] as const) {
    strictEqual(after(reason).etcd, "away");
  }
  for (const reason of ["no-space", "permission-denied", "unauthenticated"] as const) {
    strictEqual(after(reason).etcd, "reachable");
  }
  deepStrictEqual(after("no-space").failure, { code: "Etcd", message: "it is no-space" });
});

Deno.test("health: once a node is retired, nothing is said of its fs cache any more", () => {
  const before = healthAfter(
    UNKNOWN_HEALTH,
    outcome({
      heldBack: [{ component: "kubelet", deletes: 12 }],
      invalid: [{ path: "p", reason: "r" }],
    }),
    FULL,
    1,
  );
  const after = healthAfterRetiring({ ...before, watchFailure: "limit" });
  deepStrictEqual([after.heldBack, after.invalid, after.watchFailure], [[], [], undefined]);
  deepStrictEqual([after.retired, after.lastSuccessMs, after.revision], [true, 1, "7"]);
});
