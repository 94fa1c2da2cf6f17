import type { SceneName } from "./scenes.ts";
import type { SourceMutation } from "./source_mutant.ts";

/** A rule that is broken in the agent's text, and the checker that must see it. */
export interface BrokenText {
  readonly mutation: SourceMutation;
  readonly checker: string;
  readonly text: RegExp;
  /** Where it is met within a few seeds; left out: anywhere. */
  readonly scene?: SceneName;
}

const SHORT_ABSENCE = "short absence";
const AT_REST = "at rest";
const LAST_OWNER = "2 last owner";
const NOT_LOOKED_AT = "not looked at";
const ANSWERED = "8 answered";
const THE_VALUE = "the value";
const STILL_STANDS = /deletes .*, which a file still stands for/;
/** An absence that is too short to count was taken for the end of a file. */
const TOO_SOON = /deletes .* just after .* went/;

/** Rules that nothing outside the agent can break, since they stand between two parts of it. */
export const BROKEN_TEXTS: readonly BrokenText[] = [
  {
    mutation: {
      name: "what another put is read as what may be ours is",
      edits: [{
        file: "lib/store/plan.ts",
        from: "return adopting || (row !== undefined && row.ours && row.mod === null);",
        to: "return adopting || row !== undefined;",
      }],
    },
    checker: "P3 writes nothing",
    text: /moves its fence to read .*, which is not its own/,
  },
  {
    mutation: {
      name: "plan does not compare the fence",
      edits: [{
        file: "lib/store/plan.ts",
        from:
          "    if (!dry && observation.fence !== context.cache.fence.expected) return undefined;\n",
        to: "",
      }],
    },
    checker: "5 recovered first",
    text: /ended well, and its fence is not what it expects/,
  },
  {
    mutation: {
      name: "retire releases only file owners",
      edits: [{
        file: "lib/reconcile/retire.ts",
        from: "released: owners });",
        to: 'released: owners.filter((one) => one.source !== "api") });',
      }],
    },
    checker: "retired",
    text: /can't retire/,
  },
  {
    mutation: {
      name: "answers to ranges are not checked for order and bounds",
      edits: [{
        file: "lib/etcd/checked.ts",
        from: "    return asked && isNext;",
        to: "    return true;",
      }],
    },
    checker: "5 recovered first",
    text: /refuses to go on, and its fence is its own/,
    scene: "answers are mixed up",
  },
  {
    mutation: {
      name: "a held-back release drops the acquire of the same key",
      edits: [{
        file: "lib/reconcile/guard.ts",
        from: "if (released.length + change.acquired.length > 0)",
        to: "if (released.length > 0)",
      }],
    },
    checker: "taken up",
    text: /did not take up/,
  },
  {
    mutation: {
      name: "every directory counts as settled",
      edits: [{
        file: "lib/fscache/absences.ts",
        from: "  return nowMs - changedMs;",
        to: "  return nowMs > 0 ? Infinity : changedMs;",
      }],
    },
    checker: SHORT_ABSENCE,
    text: TOO_SOON,
  },
  {
    mutation: {
      name: "one look is enough for an absence",
      edits: [{
        file: "lib/fscache/absences.ts",
        from: "if (Math.max(missingMs, restedMs) >= settleMs) gone",
        to: "if (Math.max(missingMs, restedMs, settleMs) >= settleMs) gone",
      }],
    },
    checker: SHORT_ABSENCE,
    text: TOO_SOON,
  },
  {
    mutation: {
      name: "a component's backup does not count as a rewrite",
      edits: [{
        file: "lib/fscache/way.ts",
        from: 'if (path !== "" && stands',
        to: 'if (path.includes("/") && stands',
      }, {
        file: "lib/fscache/rewrites.ts",
        from: "this.#components.add(component);",
        to: "this.#components.delete(component);",
      }],
    },
    checker: SHORT_ABSENCE,
    text: TOO_SOON,
  },
  {
    mutation: {
      name: "before a delete no file is looked at but those in the scope",
      edits: [{
        file: "lib/reconcile/look.ts",
        from: "    if (unseen.length === 0) return seen;",
        to: "    if (unseen.length >= 0) return seen;",
      }],
    },
    checker: LAST_OWNER,
    text: STILL_STANDS,
  },
  {
    mutation: {
      name: "what a run is not to look at counts as gone",
      edits: [{
        file: "lib/fscache/scan.ts",
        from: 'return "not-looked-at";',
        to: 'return "gone";',
      }],
    },
    checker: NOT_LOOKED_AT,
    text: /lets go of .*, which it is not to look at/,
  },
  {
    mutation: {
      name: "what is left out is taken up from the older layout",
      edits: [{
        file: "lib/reconcile/diff.ts",
        from: "    if (isExcluded?.(file.path, file.gvr)) continue;\n",
        to: "",
      }],
    },
    checker: NOT_LOOKED_AT,
    text: /takes up .*, which it is not to look at/,
  },
  {
    mutation: {
      name: "keys that an operator named are noted before their Txn is sent",
      edits: [{
        file: "lib/store/delete_unclaimed_keys.ts",
        from: "  return await apply(context, {",
        to: "  await cache.keep(rows);\n  return await apply(context, {",
      }],
    },
    checker: ANSWERED,
    text: /delete-unclaimed of .* failed, and the cache is as if it had not/,
  },
  {
    mutation: {
      name: "an object that was not created is held all the same",
      edits: [{
        file: "lib/store/take_up_object.ts",
        from: "  if (!cache.intent) await letGo(context, object);\n",
        to: "",
      }],
    },
    checker: ANSWERED,
    text: /create-object of .* failed, and the cache is as if it had not/,
  },
  {
    mutation: {
      name: "what a listing misses is not looked for",
      edits: [{
        file: "lib/fscache/absences.ts",
        from: "if (before.missing === undefined) {",
        to: "if (before.missing === undefined && files.length === 0) {",
      }],
    },
    checker: LAST_OWNER,
    text: STILL_STANDS,
  },
  {
    mutation: {
      name: "the directories on the way are not looked at again",
      edits: [{
        file: "lib/fscache/absences.ts",
        from: "if (isSameWay(before, after)) return",
        to: "if (isSameWay(before, before)) return",
      }],
    },
    checker: LAST_OWNER,
    text: STILL_STANDS,
  },
  {
    mutation: {
      name: "a young file is not read again",
      edits: [{
        file: "lib/fscache/stamps.ts",
        from: "    known.readAtMs - known.stamp.mtimeMs > Math.max(settleMs, CLOCK_TICK_MS) &&\n",
        to: "    known.readAtMs + settleMs > CLOCK_TICK_MS &&\n",
      }, {
        file: "lib/fscache/stamps.ts",
        from: "known.readAtMs - known.stamp.ctimeMs > CTIME_MS + CLOCK_TICK_MS",
        to: "CTIME_MS > 0",
      }],
    },
    checker: THE_VALUE,
    text: /file of .* for other bytes than it has/,
  },
  {
    mutation: {
      name: "a Txn that was refused counts as done",
      edits: [{
        file: "lib/store/exchange.ts",
        from: "      await cache.dropUnsent();\n      throw error;",
        to: '      await cache.settle(entries.map(() => true), "1");\n      throw error;',
      }],
    },
    checker: "failed operation",
    text: /that failed has changed owners/,
  },
  {
    mutation: {
      name: "what an owner holds is replaced by another that is as fresh",
      edits: [{
        file: "lib/store/decide.ts",
        from: "    if (holds(owner, held)) return 0;\n",
        to: "",
      }, {
        file: "lib/store/decide.ts",
        from: "before && holds(before, held) ? 1 : 2",
        to: "before && holds(before, held) ? 2 : 2",
      }],
    },
    checker: THE_VALUE,
    text: /replaces what an owner holds at .* as fresh/,
  },
  {
    mutation: {
      name: "of a range only the first page is read",
      edits: [{
        file: "lib/store/questions.ts",
        from: "  if (!more || !last) {\n    passAbsent",
        to: "  if (!last || kvs.length > 0) {\n    passAbsent",
      }],
    },
    checker: AT_REST,
    text: /takes its own .* for another's|is a ghost of/,
  },
  {
    mutation: {
      name: "of what is answered as one, rows that need no Txn are written at once",
      edits: [{
        file: "lib/store/apply.ts",
        from: "const waits = this.#request.asOne && (",
        to: "const waits = this.#request.asOne && again.size > 9_999 && (",
      }],
    },
    checker: "failed operation",
    text: /that failed has changed owners/,
    scene: "lists are replaced, and etcd is out of reach",
  },
  {
    mutation: {
      name: "the fence is not read again along with the keys",
      edits: [{
        file: "lib/store/observe.ts",
        from: "        isSameFence(seen, fenceOf(fence?.kvs ?? []));",
        to: "        isSameFence(seen, seen);",
      }],
    },
    checker: "shown fence",
    text: /was shown another fence than its own, and ended well/,
    scene: "etcd is restored while it is read",
  },
  {
    mutation: {
      name: "deletes of the last ten minutes do not count together",
      edits: [{
        file: "lib/reconcile/guard.ts",
        from: "recentSamples(cache.windows.get(component) ?? [], rules.nowMs)",
        to: "recentSamples([], rules.nowMs)",
      }],
    },
    checker: "bulk deletes",
    text: /loses .* keys in ten minutes/,
    scene: "files go in waves",
  },
];
