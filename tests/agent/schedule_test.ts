import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Due, Schedule } from "../../lib/agent/schedule.ts";

const OPTIONS = { debounceMs: 200, resyncIntervalMs: 600_000, settleMs: 2_000 };
const SETTLED_MS = 2_050;

/** A schedule whose first full pass is over. */
function settled(): Schedule {
  const schedule = new Schedule(OPTIONS, 0);
  schedule.begun({ kind: "full" }, 0);
  return schedule;
}

function groupsOf(due: Due): string[] | undefined {
  return due.kind === "groups" && due.groups ? [...due.groups].sort() : undefined;
}

Deno.test("a schedule begins with a full pass, and makes another each interval", () => {
  const schedule = new Schedule(OPTIONS, 1_000);
  deepStrictEqual(schedule.due(1_000), { kind: "full" });
  schedule.begun({ kind: "full" }, 1_000);
  deepStrictEqual(schedule.due(1_000), { kind: "wait", untilMs: 601_000 });
  deepStrictEqual(schedule.due(600_999), { kind: "wait", untilMs: 601_000 });
  deepStrictEqual(schedule.due(601_000), { kind: "full" });
});

Deno.test("a burst is one pass over its groups, once it has been quiet for the debounce", () => {
  const schedule = settled();
  schedule.changed("a/x", 100);
  schedule.changed("b/y", 200);
  schedule.changed("a/x", 250);
  strictEqual(schedule.dirtyGroups, 2);
  deepStrictEqual(schedule.due(449), { kind: "wait", untilMs: 450 });
  const due = schedule.due(450);
  deepStrictEqual(groupsOf(due), ["a/x", "b/y"]);
  schedule.begun(due, 450);
  strictEqual(schedule.dirtyGroups, 0);
});

Deno.test("a stream of changes without a pause is taken up after five debounces", () => {
  const schedule = settled();
  let at = 0;
  while (schedule.due(at).kind === "wait") schedule.changed("a/x", at += 50);
  strictEqual(at, 50 + 5 * OPTIONS.debounceMs);
});

Deno.test("what was looked at is looked at once more when it has settled, and then not again", () => {
  const schedule = settled();
  schedule.changed("a/x", 100);
  schedule.begun(schedule.due(300), 300);
  deepStrictEqual(schedule.due(400), { kind: "wait", untilMs: 300 + SETTLED_MS });
  const again = schedule.due(300 + SETTLED_MS);
  deepStrictEqual(groupsOf(again), ["a/x"]);
  schedule.begun(again, 300 + SETTLED_MS);
  deepStrictEqual(schedule.due(300 + SETTLED_MS), { kind: "wait", untilMs: 600_000 });
});

Deno.test("a group that a pass could not finish comes back when it has settled", () => {
  const schedule = settled();
  schedule.unsettled(["a/x"], 1_000);
  const again = schedule.due(1_000 + SETTLED_MS);
  deepStrictEqual(groupsOf(again), ["a/x"]);
  deepStrictEqual(schedule.due(1_000 + SETTLED_MS), again, "until a pass has begun");
  schedule.begun(again, 1_000 + SETTLED_MS);
  schedule.unsettled([], 10_000);
  deepStrictEqual(schedule.due(10_000), { kind: "wait", untilMs: 600_000 });
});

Deno.test("each group comes back in its own time, though another one never rests", () => {
  const schedule = settled();
  schedule.changed("a/quiet", 0);
  schedule.begun(schedule.due(200), 200);
  schedule.unsettled(["a/quiet"], 210, new Map([["a/quiet", { sinceMs: 205 }]]));
  const looked: [number, string[] | undefined][] = [];
  let changedAtMs = 0;
  for (let at = 210; at <= 3_000; at += 10) {
    if (at - changedAtMs >= 70) schedule.changed("a/busy", changedAtMs = at);
    const due = schedule.due(at);
    if (due.kind === "wait") continue;
    looked.push([at, groupsOf(due)]);
    schedule.begun(due, at);
  }
  const quiet = looked.filter(([, groups]) => groups?.includes("a/quiet")).map(([at]) => at);
  deepStrictEqual(quiet, [260 + 2_000]);
  strictEqual(looked.filter(([, groups]) => groups?.includes("a/busy")).length >= 2, true);
});

Deno.test("a group comes back when what is missing in it can be told to be gone, not later", () => {
  const schedule = settled();
  for (const at of [1_000, 1_700, 2_400]) {
    schedule.changed("a/busy", at);
    schedule.begun({ kind: "groups", groups: new Set(["a/busy"]) }, at);
    schedule.unsettled(["a/busy"], at, new Map([["a/busy", { sinceMs: 1_000 }]]));
  }
  deepStrictEqual(schedule.due(2_400), { kind: "wait", untilMs: 1_000 + SETTLED_MS });
  // What can't be told by then is not looked at without a pause.
  schedule.begun(schedule.due(3_050), 3_050);
  schedule.unsettled(["a/busy"], 3_050, new Map([["a/busy", { sinceMs: 1_000 }]]));
  deepStrictEqual(schedule.due(3_050), { kind: "wait", untilMs: 3_100 });
  schedule.begun(schedule.due(3_100), 3_100);
  schedule.unsettled(["a/busy"], 3_100, new Map([["a/busy", { sinceMs: undefined }]]));
  deepStrictEqual(schedule.due(3_100), { kind: "wait", untilMs: 3_100 + SETTLED_MS });
});

Deno.test("groups whose time comes within a moment are one pass, and with those that changed", () => {
  const schedule = settled();
  schedule.unsettled(["a/x"], 1_000);
  schedule.unsettled(["b/y"], 1_040);
  schedule.unsettled(["c/z"], 1_400);
  schedule.changed("d/w", 2_800);
  const due = schedule.due(1_000 + SETTLED_MS);
  deepStrictEqual(groupsOf(due), ["a/x", "b/y", "d/w"]);
  schedule.begun(due, 1_000 + SETTLED_MS);
  deepStrictEqual(groupsOf(schedule.due(1_400 + SETTLED_MS)), ["c/z"]);
});

Deno.test("nothing grows: more groups to come back to than a limit are one, everything", () => {
  const schedule = settled();
  for (let group = 0; group < 100_000; group++) schedule.unsettled([`a/${group}`], 1_000);
  const due = schedule.due(1_000 + SETTLED_MS);
  deepStrictEqual(due, { kind: "groups", groups: undefined });
  schedule.begun(due, 5_000);
  deepStrictEqual(schedule.due(5_000), { kind: "wait", untilMs: 600_000 });
});

Deno.test("a change while a pass runs is not lost", () => {
  const schedule = settled();
  schedule.changed("a/x", 0);
  const due = schedule.due(200);
  schedule.begun(due, 200);
  schedule.changed("a/x", 210);
  deepStrictEqual(groupsOf(schedule.due(410)), ["a/x"]);
});

Deno.test("after a failure a full pass comes, after the pause and nothing before it", () => {
  const schedule = settled();
  schedule.changed("a/x", 100);
  schedule.failed(5_000, 1_000);
  deepStrictEqual(schedule.due(5_999), { kind: "wait", untilMs: 6_000 });
  deepStrictEqual(schedule.due(6_000), { kind: "full" });
});

Deno.test("who demands a full pass does not wait for the pause to be over", () => {
  const schedule = settled();
  schedule.failed(5_000, 1_000);
  schedule.demandFull(1_500);
  deepStrictEqual(schedule.due(1_500), { kind: "full" });
});

Deno.test("nothing grows: more dirty groups than a limit are one, everything", () => {
  const schedule = settled();
  for (let group = 0; group < 100_000; group++) schedule.changed(`a/${group}`, group / 1_000);
  strictEqual(schedule.dirtyGroups, Infinity);
  const due = schedule.due(1_000);
  deepStrictEqual(due, { kind: "groups", groups: undefined });
  schedule.begun(due, 1_000);
  strictEqual(schedule.dirtyGroups, 0);
});

Deno.test("a key that somebody deleted is looked at with the groups that are due then, and once", () => {
  const schedule = settled();
  schedule.deleted("/r/a", 1_000, 0);
  deepStrictEqual(schedule.due(1_499), { kind: "wait", untilMs: 1_500 });
  schedule.changed("a/x", 1_200);
  const due = schedule.due(1_500);
  deepStrictEqual(due, {
    kind: "groups",
    groups: new Set(["a/x"]),
    later: { keys: new Set(["/r/a"]), groups: new Set() },
  });
  schedule.begun(due, 1_500);
  const next = schedule.due(1_500);
  deepStrictEqual(next, { kind: "wait", untilMs: 1_500 + SETTLED_MS });
  // A pass over everything that has changed looks at no key in etcd.
  schedule.deleted("/r/b", 2_000, 0);
  schedule.changed(undefined, 2_000);
  const all = schedule.due(2_200);
  deepStrictEqual(all, { kind: "groups", groups: undefined });
  schedule.begun(all, 2_200);
  deepStrictEqual(schedule.due(2_500), {
    kind: "groups",
    groups: new Set(),
    later: { keys: new Set(["/r/b"]), groups: new Set() },
  });
  schedule.begun({ kind: "full" }, 2_500);
  strictEqual(schedule.due(4_000).kind, "wait");
});

Deno.test("more deleted keys than a limit, or a time in which nobody watched, are a full pass soon", () => {
  const many = settled();
  for (let key = 0; key < 100_000; key++) many.deleted(`/r/${key}`, 1_000, 0);
  deepStrictEqual(many.due(1_500), { kind: "full" });
  const unwatched = settled();
  unwatched.fullSoon(1_000, 1);
  deepStrictEqual(unwatched.due(2_999), { kind: "wait", untilMs: 3_000 });
  deepStrictEqual(unwatched.due(3_000), { kind: "full" });
  // After a failure it waits for the pause.
  const failing = settled();
  failing.failed(10_000, 1_000);
  failing.fullSoon(1_000, 0);
  failing.deleted("/r/a", 1_000, 0);
  deepStrictEqual(failing.due(10_999), { kind: "wait", untilMs: 11_000 });
});

Deno.test("a key that was left to other nodes is looked at with its groups 0.3 to 1.5 s later", () => {
  const schedule = settled();
  const look = (key: string) => ({ keys: new Set([key]), groups: new Set(["a/x"]) });
  schedule.changed("a/x", 800);
  schedule.begun(schedule.due(1_000), 1_000);
  schedule.yielded(look("/r/a"), 1_000, 0.5);
  strictEqual(schedule.dirtyGroups, 1, "it waits to be looked at");
  // One that comes a little later goes along; one that waits already does not wait anew.
  schedule.yielded(look("/r/b"), 1_500, 1);
  schedule.yielded(look("/r/a"), 1_600, 1);
  deepStrictEqual(schedule.due(1_899), { kind: "wait", untilMs: 1_900 });
  const due = schedule.due(1_900);
  const later = { keys: new Set(["/r/a", "/r/b"]), groups: new Set(["a/x"]) };
  deepStrictEqual(due, { kind: "groups", groups: new Set(), later });
  schedule.begun(due, 1_900);
  strictEqual(schedule.dirtyGroups, 0);
  // What is young is looked at once more all the same.
  deepStrictEqual(schedule.due(1_900), { kind: "wait", untilMs: 1_000 + SETTLED_MS });
});

Deno.test("more keys left to other nodes than a limit wait for a full pass, and are told to wait", () => {
  const schedule = settled();
  const keys = new Set(Array.from({ length: 1_001 }, (_, at) => `/r/${at}`));
  schedule.yielded({ keys, groups: new Set(["a/x"]) }, 1_000, 0);
  strictEqual(schedule.dirtyGroups, Infinity);
  schedule.begun({ kind: "groups", groups: new Set(["b/x"]) }, 1_200);
  strictEqual(schedule.dirtyGroups, Infinity);
  const due = schedule.due(1_500);
  deepStrictEqual(due, { kind: "full" });
  schedule.begun(due, 1_500);
  strictEqual(schedule.dirtyGroups, 0);
});

Deno.test("an etcd that came back is filled after a moment of the node's own, however often it is told", () => {
  const schedule = settled();
  schedule.failed(60_000, 1_000);
  schedule.begun({ kind: "full" }, 1_000);
  schedule.refill(2_000, 0.75);
  for (let at = 2_000; at < 3_200; at += 100) {
    schedule.refill(at, 0);
    deepStrictEqual(schedule.due(at), { kind: "wait", untilMs: 3_200 }, `at ${at}`);
  }
  deepStrictEqual(schedule.due(3_200), { kind: "full" });
});
