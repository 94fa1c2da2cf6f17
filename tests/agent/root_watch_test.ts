import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { RootWatch, type RootWatchParts } from "../../lib/agent/root_watch.ts";
import type { CacheWatch, WatchHint } from "../../lib/fscache/mod.ts";

/** A root watch on a watch that a test breaks as it likes. */
function fakeRoot() {
  const state = {
    id: "1",
    limit: false,
    replaced: false,
    failures: [] as (string | undefined)[],
    stuck: false,
    unwatched: undefined as CacheWatch["unwatched"],
    appeared: 0,
  };
  const watches: { open: boolean; hint: (hint: WatchHint) => void; lose: (e: Error) => void }[] =
    [];
  const groups: (string | undefined)[] = [];
  let tries = 0;
  const parts: RootWatchParts = {
    watch(hint): CacheWatch {
      // Deno names the directory at which it stopped.
      if (state.limit) throw new Error(`OS file watch limit reached. about ["/d${tries++}"]`);
      strictEqual(watches.some(({ open }) => open), false, "the one before has not ended");
      const { promise: ended, reject: lose, resolve: end } = Promise.withResolvers<void>();
      const watch = { open: true, hint, lose };
      watches.push(watch);
      const close = () => {
        // The end comes some time after it was asked for.
        setTimeout(() => {
          watch.open = false;
          end();
        }, 1);
      };
      const findReplaced = () => {
        const found = state.replaced;
        state.replaced = false;
        return found;
      };
      const answers = () => Promise.resolve(!state.stuck);
      const { unwatched } = state;
      return { ended, unwatched, findReplaced, answers, close };
    },
    identify: () => state.id,
    changed: (group) => groups.push(group),
    appeared: () => state.appeared++,
    failed: (reason) => state.failures.push(reason),
  };
  const taken = () => groups.splice(0);
  const open = () => watches.map((watch) => watch.open);
  return { state, watches, root: new RootWatch(parts), taken, open };
}

Deno.test("RootWatch.check() begins a watch anew on another root, once the old one has ended", async () => {
  const { state, watches, root, taken, open } = fakeRoot();
  await root.check(0);
  deepStrictEqual([state.appeared, taken()], [1, []]);
  watches[0]?.hint({ kind: "group", group: "a/x" });
  watches[0]?.hint({ kind: "all" });
  deepStrictEqual(taken(), ["a/x", undefined]);
  await root.check(999);
  state.id = "2";
  await root.check(999.9);
  deepStrictEqual([taken(), open()], [[], [true]], "it is looked at each second");
  await root.check(1_000);
  deepStrictEqual([taken(), open()], [[undefined], [false, true]]);
  await root.check(2_000);
  deepStrictEqual([taken(), open()], [[], [false, true]]);
  deepStrictEqual(state.failures, []);
  await root.close();
  deepStrictEqual(open(), [false, false]);
});

Deno.test("RootWatch.check() tells at once of a root that appears where there was none", async () => {
  const { state, root, taken, open } = fakeRoot();
  state.id = "";
  for (let at = 0; at <= 2_000; at += 250) await root.check(at);
  deepStrictEqual([state.appeared, taken(), open()], [0, [], []]);
  state.id = "1";
  strictEqual(root.checkAtMs, 2_250);
  await root.check(2_250);
  deepStrictEqual([state.appeared, open()], [1, [true]]);
  state.id = "";
  await root.check(3_250);
  deepStrictEqual([state.appeared, taken(), open()], [1, [undefined], [false]]);
});

Deno.test("RootWatch.check() begins a watch that is in doubt anew at once, but not all the time", async () => {
  const { watches, root, taken, open } = fakeRoot();
  await root.check(0);
  watches[0]?.hint({ kind: "doubt" });
  watches[0]?.hint({ kind: "doubt" });
  strictEqual(root.checkAtMs, 500);
  deepStrictEqual(taken(), [undefined, undefined]);
  await root.check(499);
  deepStrictEqual([taken(), open()], [[], [true]]);
  await root.check(500);
  deepStrictEqual(
    [taken(), open()],
    [[undefined], [false, true]],
    "what came between is not known",
  );
  strictEqual(root.checkAtMs, 1_500);
});

Deno.test("RootWatch.check() begins a watch anew that is on a directory which was replaced", async () => {
  const { state, root, taken, open } = fakeRoot();
  await root.check(0);
  state.replaced = true;
  await root.check(1_000);
  deepStrictEqual([taken(), open()], [[undefined], [false, true]]);
  await root.check(2_000);
  deepStrictEqual([taken(), open()], [[], [false, true]]);
});

Deno.test("RootWatch.renew() begins the watch anew before a look at everything", async () => {
  const { root, taken, open } = fakeRoot();
  await root.renew(0);
  await root.renew(499);
  deepStrictEqual(open(), [true], "it has just begun");
  await root.renew(500);
  deepStrictEqual([open(), taken()], [[false, true], []]);
});

Deno.test("RootWatch.check() says inotify's limit once, and has everything looked at each 30 s", async () => {
  const { state, root, taken } = fakeRoot();
  state.limit = true;
  for (let at = 0; at <= 60_000; at += 1_000) await root.check(at);
  deepStrictEqual(state.failures, ["OS file watch limit reached"]);
  deepStrictEqual(taken(), [undefined, undefined]);
  state.limit = false;
  await root.check(65_000);
  deepStrictEqual(state.failures, ["OS file watch limit reached", undefined]);
  deepStrictEqual(taken(), [undefined], "what changed meanwhile was told to nobody");
  for (let at = 65_000; at <= 200_000; at += 1_000) await root.check(at);
  deepStrictEqual(taken(), []);
});

Deno.test("RootWatch.check() takes up a watch that was lost, which is said", async () => {
  const { state, watches, root, taken, open } = fakeRoot();
  await root.check(0);
  watches[0]?.lose(new Error("gone"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  deepStrictEqual([taken(), state.failures], [[undefined], ["gone"]]);
  await root.check(root.checkAtMs);
  deepStrictEqual(state.failures, ["gone", undefined]);
  deepStrictEqual(open(), [false, true]);
});

Deno.test("RootWatch touches no watch that tells nothing any more, says so, and has all looked at each 5 s", async () => {
  for (const how of ["check", "renew", "close"] as const) {
    const { state, watches, root, taken, open } = fakeRoot();
    await root.check(0);
    state.stuck = true;
    taken();
    const atMs = how === "check" ? 30_001 : 1_000;
    if (how === "close") await root.close();
    else await root[how](atMs);
    deepStrictEqual([open(), taken()], [[true], [undefined]], how);
    match(state.failures.at(-1) ?? "", /FIFO/);
    if (how === "close") continue;
    for (let nowMs = atMs; nowMs < atMs + 11_000; nowMs += 1_000) await root.check(nowMs);
    deepStrictEqual([watches.length, taken()], [1, [undefined, undefined]], how);
    await root.close();
  }
});

Deno.test("RootWatch.check() says what is not watched, and has it looked at each 30 s, until it is", async () => {
  const { state, root, taken } = fakeRoot();
  const group = { kind: "group", group: "evil/x" } as const;
  state.unwatched = { reason: 'limit reached. about ["/a"]', hints: [group] };
  for (let nowMs = 0; nowMs < 61_000; nowMs += 1_000) await root.check(nowMs);
  deepStrictEqual([state.failures, taken()], [["limit reached"], ["evil/x", "evil/x"]]);
  state.unwatched = undefined;
  await root.renew(61_000);
  deepStrictEqual([state.failures.at(-1), taken()], [undefined, []]);
  await root.close();
});
