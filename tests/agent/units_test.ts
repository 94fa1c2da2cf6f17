import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { Backoff } from "../../lib/agent/backoff.ts";
import {
  groupsToLookAt,
  type Health,
  healthAfter,
  healthAfterFailure,
  healthAfterRetiring,
  type Looked,
  UNKNOWN_HEALTH,
} from "../../lib/agent/health.ts";
import { makeLog } from "../../lib/agent/log.ts";
import { Operations } from "../../lib/agent/operations.ts";
import { PassLog } from "../../lib/agent/pass_log.ts";
import { EtcdError } from "../../lib/etcd/mod.ts";
import { KeyCacheError } from "../../lib/keycache/mod.ts";
import type { ReconcileOutcome } from "../../lib/reconcile/mod.ts";
import type { StoreContext } from "../../lib/store/mod.ts";

Deno.test("pauses double up to the limit, with jitter, and are short again after a success", () => {
  const longest = new Backoff(1_000, () => 0.999_999);
  const pauses = [1, 2, 3, 4, 5].map(() => Math.round(longest.next()));
  deepStrictEqual(pauses, [250, 500, 1_000, 1_000, 1_000]);
  longest.reset();
  strictEqual(Math.round(longest.next()), 250);
  strictEqual(new Backoff(1_000, () => 0).next(), 125);
  strictEqual(new Backoff(100, () => 0.999_999).next() <= 100, true);
});

Deno.test("a log line is one line, with level and key=value, or one JSON object", () => {
  const lines: string[] = [];
  const at = new Date("2026-01-02T03:04:05.006Z");
  const text = makeLog("text", (line) => lines.push(line), () => at);
  const journal = makeLog("journal", (line) => lines.push(line), () => at);
  const json = makeLog("json", (line) => lines.push(line), () => at);
  const fields = { keys: 3, path: "a b\n<3>c=d", none: undefined, plain: "/registry/x" };
  text("warning", "odd\nmessage", fields);
  journal("warning", "odd\nmessage", fields);
  json("error", "odd\nmessage", fields);
  const rest = 'odd message keys=3 path="a b\\n<3>c=d" plain=/registry/x';
  deepStrictEqual(lines.slice(0, 2), [`warning: ${rest}`, `<4>${rest}`]);
  deepStrictEqual(JSON.parse(lines[2] ?? ""), {
    time: "2026-01-02T03:04:05.006Z",
    level: "error",
    message: "odd\nmessage",
    keys: 3,
    path: "a b\n<3>c=d",
    plain: "/registry/x",
  });
});

/** What a pass came to. */
function outcome(
  report: Partial<ReconcileOutcome["report"]> = {},
  failure?: EtcdError,
): ReconcileOutcome {
  return {
    report: {
      status: "in-step",
      created: 0,
      updated: 0,
      deleted: 0,
      released: 0,
      unchanged: 0,
      conflicts: [],
      invalid: [],
      heldBack: [],
      txns: 0,
      staged: false,
      recovered: 0,
      revision: "7",
      clusterId: "8",
      durationMs: 1,
      phasesMs: { recover: 0, scan: 0, plan: 0, commit: 0 },
      ...report,
    },
    notes: [],
    busy: [],
    missing: new Map(),
    rewriting: [],
    failure,
  };
}

/** A full pass. */
const FULL: Looked = {
  full: true,
  groups: undefined,
  components: ["a", "b"],
  settleMs: 2_000,
  monotonicMs: 0,
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

Deno.test("health: a group is busy if the same file was missing for a minute, and no rewrite ended", () => {
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
  deepStrictEqual(health.busy, [], "a rewrite is another condition");
  health = healthAfter(health, missing([b, 100]), at(400), 1);
  deepStrictEqual(health.busy, [], "it waits since the rewrite");
  health = healthAfter(health, missing([b, 100]), at(463), 1);
  deepStrictEqual(health.busy, [b]);
});

Deno.test("the log tells of a failure once, and of what a pass changed, noted and let go", () => {
  const lines: string[] = [];
  const log = new PassLog(makeLog("text", (line) => lines.push(line), () => new Date()), () => 0);
  const key = "/registry/pods/a/b";
  const conflicts = new Map([[key, "theirs"]]);
  const told = (pass: ReconcileOutcome) => {
    log.passed(pass, conflicts, "in step");
    return lines.splice(0);
  };
  const report = { conflicts: [{ key, reason: "theirs" }, { key: "/gone", reason: "let go" }] };
  const noted = { ...outcome(report), notes: ["3 keys were kept"] };
  deepStrictEqual(told(noted), [
    "notice: 3 keys were kept",
    'warning: key left to others key=/gone reason="let go"',
  ]);
  deepStrictEqual(told({ ...outcome(), notes: noted.notes }), []);
  deepStrictEqual(told({ ...outcome({ created: 2, txns: 1 }), notes: noted.notes }), [
    "info: brought in step created=2 updated=0 deleted=0 released=0 txns=1 revision=7 durationMs=1",
  ]);
  const away = new EtcdError("unreachable", "away");
  log.failed(away);
  log.failed(away);
  log.failed(new EtcdError("timeout", "late"));
  deepStrictEqual(lines.splice(0), ["error: away code=Etcd"]);
  // What fails for another reason asks for something else to be done: the last line is the reason.
  log.failed(new EtcdError("permission-denied", "denied"));
  log.failed(new KeyCacheError("full", "full"));
  log.failed(away);
  log.failed(new EtcdError("permission-denied", "denied"));
  deepStrictEqual(lines.splice(0), [
    "error: denied code=Etcd",
    "error: full code=KeyCache",
    "error: away code=Etcd",
    "error: denied code=Etcd",
  ]);
  log.failed(new KeyCacheError("io", "another disk"));
  log.failed(new KeyCacheError("io", "and another"));
  log.failed(new EtcdError("tls", "http://a:1 is expired; tried before: http://b:1 (tls)"));
  log.failed(new EtcdError("tls", "http://b:1 is expired; tried before: http://a:1 (tls)"));
  strictEqual(lines.splice(0).length, 3, "which endpoint says so is no other reason");
  log.passed(outcome(), conflicts, "in step but for 3 deletes of kubelet held back");
  deepStrictEqual(lines.splice(0), [
    "notice: in step again but for 3 deletes of kubelet held back",
  ]);
  log.failed(away);
  deepStrictEqual(lines.splice(0), ["error: away code=Etcd"]);
  deepStrictEqual(told(outcome()), ["notice: in step again"]);
  log.failed(away);
  deepStrictEqual(lines.splice(0), ["error: away code=Etcd"]);
  const emptied = { ...outcome({ ...report, created: 9, txns: 1 }), notes: ["it came back empty"] };
  const order = told(emptied).map((line) => line.replace(/ (created|key)=.*/, ""));
  deepStrictEqual(order, [
    "notice: it came back empty",
    "info: brought in step",
    "warning: key left to others",
    "notice: in step again",
  ], "the cause, what was done, and then how it is");
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

/** Operations here need no real sides. */
const CONTEXT = {} as StoreContext;

Deno.test("operations run one after another, and what gives up waiting never begins", async () => {
  let woken = 0;
  const operations = new Operations(() => woken++);
  const never = new AbortController().signal;
  const order: string[] = [];
  const first = operations.submit(() => Promise.resolve(order.push("first")), never);
  const impatient = new AbortController();
  const late = operations.submit(() => Promise.resolve(order.push("late")), impatient.signal);
  const failing = operations.submit(() => Promise.reject(new RangeError("no")), never);
  strictEqual(woken, 3);
  const refused = rejects(late, { code: "NotReady", message: /not begun/ });
  impatient.abort();
  await refused;
  strictEqual(operations.size, 2);
  const failed = rejects(failing, RangeError);
  strictEqual(await operations.next(CONTEXT), undefined);
  ok(await operations.next(CONTEXT) instanceof RangeError);
  await failed;
  strictEqual(await operations.next(CONTEXT), undefined);
  await first;
  deepStrictEqual(order, ["first"]);
});

Deno.test("an operation that was begun is never called not begun", async () => {
  const operations = new Operations(() => {});
  const impatient = new AbortController();
  const { promise: work, resolve } = Promise.withResolvers<number>();
  const submitted = operations.submit(() => work, impatient.signal);
  const unknown = rejects(submitted, { code: "Unknown" });
  const running = operations.next(CONTEXT);
  impatient.abort();
  await unknown;
  resolve(1);
  await running;
});

Deno.test("operations do not pile up, and all that wait are refused at once", async () => {
  const operations = new Operations(() => {});
  const never = new AbortController().signal;
  const waiting = Array.from(
    { length: 64 },
    () =>
      rejects(operations.submit(() => Promise.resolve(), never), {
        code: "NotReady",
        message: "over",
      }),
  );
  await rejects(operations.submit(() => Promise.resolve(), never), { message: /too many/ });
  operations.refuseAll(new EtcdError("unknown", "over"));
  await Promise.allSettled(waiting);
  strictEqual(operations.size, 0);
});
