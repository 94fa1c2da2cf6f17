import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import {
  COUNT,
  listOf,
  mapOf,
  oneOf,
  orNull,
  record,
  TEXT,
  type TypeOf,
  YES_NO,
} from "../../lib/agent/schema.ts";
import { closed } from "./_closed.ts";
import type { Answers } from "../../lib/agent/mod.ts";
import type { InvalidPath } from "../../lib/fscache/mod.ts";
import type { ReconcileReport, TakeOver, Verification } from "../../lib/reconcile/mod.ts";

/** True if two types are one, optional members and null included; else nothing fits. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : never;

/** A readonly type, written out member by member, all the way down. */
type Plain<T> = T extends object ? { readonly [Name in keyof T]: Plain<T[Name]> } : T;

const EVERYTHING = record({
  text: TEXT,
  "count?": COUNT,
  choice: oneOf(["a", "b"]),
  list: listOf(record({ "deep?": YES_NO })),
  map: mapOf(COUNT),
  nothing: orNull(COUNT),
});

interface Everything {
  readonly text: string;
  readonly count?: number;
  readonly choice: "a" | "b";
  readonly list: readonly { readonly deep?: boolean }[];
  readonly map: Readonly<Record<string, number>>;
  readonly nothing: number | null;
}

Deno.test("the type of a schema is what the schema describes, and the schema what it says", () => {
  const same: Same<Plain<TypeOf<typeof EVERYTHING>>, Plain<Everything>> = true;
  ok(same);
  const ajv = new Ajv2020({ formats: { int64: true, double: true } });
  const validate = ajv.compile<Everything>(EVERYTHING);
  const all: Everything = {
    text: "t",
    count: 1,
    choice: "b",
    list: [{ deep: true }, {}],
    map: { one: 1 },
    nothing: null,
  };
  const cases: [object, boolean][] = [
    [all, true],
    [{ ...all, nothing: 1 }, true],
    [{ ...all, nothing: "1" }, false],
    [{ ...all, choice: "c" }, false],
    [{ ...all, count: undefined, text: undefined }, false],
    [{ ...all, list: [{ deep: 1 }] }, false],
    [{ ...all, map: { one: "1" } }, false],
    // A client that was made of an older document meets such.
    [{ ...all, more: 1, list: [{ more: 1 }] }, true],
  ];
  for (const [value, expected] of cases) {
    strictEqual(validate(value), expected, JSON.stringify(value));
  }
  const validateClosed = ajv.compile(closed(EVERYTHING));
  strictEqual(validateClosed(all), true);
  for (const more of [{ ...all, more: 1 }, { ...all, list: [{ more: 1 }] }]) {
    strictEqual(validateClosed(more), false);
  }
  const { count: _, ...less } = all;
  deepStrictEqual([validate(less), validate({ ...less, text: undefined })], [true, false]);
});

Deno.test("what lower layers report is answered as it is: no member more, none less", () => {
  type Shown = Omit<ReconcileReport, "invalid"> & {
    readonly invalid: readonly Omit<InvalidPath, "kind">[];
  };
  const report: Same<Plain<Answers["Reconciled"]["report"]>, Plain<Shown>> = true;
  const verification: Same<
    Plain<Omit<Answers["Verification"], "conditions">>,
    Plain<Verification>
  > = true;
  const takeOver: Same<Plain<Answers["TakeOver"]>, Plain<TakeOver>> = true;
  ok(report && verification && takeOver);
});
