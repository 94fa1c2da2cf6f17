import assert from "node:assert/strict";
import fc from "fast-check";
import type { VacantSpan } from "../../lib/etcd/mod.ts";
import { isIn } from "../../lib/store/spans.ts";
import { Vacancies } from "../../lib/store/vacancies.ts";
import { bytesBefore, key, PREFIX } from "./_keys.ts";

/** From one of the keys to another with nothing that is seen in between, as a look at etcd tells. */
function emptySpans(keys: readonly string[], seen: readonly string[]): VacantSpan[] {
  const spans: { first: string; last: string }[] = [];
  let resource = "";
  for (const one of [...keys, ...seen].toSorted(bytesBefore)) {
    const isNew = resource !== one.split("/", 4).join("/");
    resource = one.split("/", 4).join("/");
    const span = spans.at(-1);
    if (seen.includes(one)) resource = "";
    else if (span && !isNew) span.last = one;
    else spans.push({ first: one, last: one });
  }
  return spans;
}

Deno.test("Vacancies.spansOf() never spans a key that was seen or written, and only what is worth a compare", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(key, { maxLength: 60 }),
      fc.array(key, { maxLength: 3 }),
      fc.array(key, { maxLength: 2 }),
      (keys, seen, written) => {
        const vacancies = new Vacancies(emptySpans(keys, seen), PREFIX, 128);
        for (const one of written) vacancies.fill([one]);
        const spans = vacancies.spansOf(keys);
        for (const one of [...seen, ...written]) assert.equal(isIn(spans, one), false, one);
        for (const { first, last } of spans) {
          const inside = keys.filter((one) =>
            bytesBefore(first, one) <= 0 && bytesBefore(one, last) <= 0
          );
          assert.ok(inside.length >= 8);
          assert.ok(inside.every((one) => isIn(spans, one)));
        }
      },
    ),
  );
  const many = Array.from({ length: 8 }, (_, at) => `${PREFIX}/pods/d/p${at}`);
  const spansOf = (keys: readonly string[], ...names: string[]) => {
    const seen = names.map((name) => `${PREFIX}/pods/d/${name}`);
    return new Vacancies(emptySpans(keys, seen), PREFIX, 128).spansOf(keys);
  };
  assert.deepEqual(spansOf(many, "a", "p8"), [
    { first: `${PREFIX}/pods/d/p0`, last: `${PREFIX}/pods/d/p7`, keys: 8 },
  ]);
  assert.deepEqual(spansOf(many.slice(1)), []);
  assert.deepEqual(spansOf(many, "p3~"), []);
  const known = (name: string) =>
    new Vacancies(emptySpans(many, []), PREFIX, 128).spansOf(many, [`${PREFIX}/pods/d/${name}`]);
  assert.deepEqual(known("p3~"), [], "one that the same Txn changes is there, seen or not");
  assert.equal(known("p8").length, 1);
});

Deno.test("Vacancies.spansOf() leaves the root's other compares their room", () => {
  const many = Array.from(
    { length: 10 },
    (_, resource) => Array.from({ length: 9 }, (_, at) => `${PREFIX}/r${resource}/p${at}`),
  ).flat();
  const spans = (maxTxnOps: number) =>
    new Vacancies(emptySpans(many, []), PREFIX, maxTxnOps).spansOf(many).length;
  assert.deepEqual([3, 15, 16, 32, 128, 1_000].map(spans), [0, 0, 1, 2, 8, 8]);
});

Deno.test("Vacancies.spansOf() gives what a Txn wrote around or inside of it no span", () => {
  const names = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => `${PREFIX}/pods/d/p${100 + from + at}`);
  const spansAfter = (...written: string[][]) => {
    const vacancies = new Vacancies(emptySpans(names(0, 100), []), PREFIX, 128);
    for (const keys of written) vacancies.fill(keys);
    return vacancies.spansOf(names(20, 10)).length;
  };
  assert.equal(spansAfter(), 1);
  assert.equal(spansAfter(names(0, 20), names(30, 5)), 1);
  assert.equal(spansAfter(names(0, 21)), 0);
  assert.equal(spansAfter(names(29, 9)), 0);
  assert.equal(spansAfter(names(24, 1)), 0);
  assert.equal(spansAfter([...names(0, 1), ...names(40, 1)]), 0);
});
