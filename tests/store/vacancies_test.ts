import assert from "node:assert/strict";
import fc from "fast-check";
import type { VacantSpan } from "../../lib/etcd/mod.ts";
import { isIn } from "../../lib/store/spans.ts";
import { vacantSpans } from "../../lib/store/vacancies.ts";
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

/** Spans of new keys, where others were seen, or are changed by the same Txn. */
function spansOf(
  keys: readonly string[],
  seen: readonly string[] = [],
  { known = [], maxTxnOps = 128 }: { known?: readonly string[]; maxTxnOps?: number } = {},
) {
  const ops = [
    ...keys.map((one) => ({ key: one, guardMod: "0" })),
    ...known.map((one) => ({ key: one, guardMod: "7" })),
  ];
  return vacantSpans(ops, emptySpans(keys, seen), {
    cache: { identity: { prefix: PREFIX } },
    maxTxnOps,
  });
}

Deno.test("vacantSpans() never spans a key that was seen, and only what is worth a compare", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(key, { maxLength: 60 }),
      fc.array(key, { maxLength: 3 }),
      (keys, seen) => {
        const spans = spansOf(keys, seen);
        for (const one of seen) assert.equal(isIn(spans, one), false, one);
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
  const pods = (...names: string[]) => names.map((name) => `${PREFIX}/pods/d/${name}`);
  assert.deepEqual(spansOf(many, pods("a", "p8")), [
    { first: `${PREFIX}/pods/d/p0`, last: `${PREFIX}/pods/d/p7`, keys: 8 },
  ]);
  assert.deepEqual(spansOf(many.slice(1)), []);
  assert.deepEqual(spansOf(many, pods("p3~")), []);
  const known = (name: string) => spansOf(many, [], { known: pods(name) });
  assert.deepEqual(known("p3~"), [], "one that the same Txn changes is there, seen or not");
  assert.equal(known("p8").length, 1);
});

Deno.test("vacantSpans() leaves the root's other compares their room", () => {
  const many = Array.from(
    { length: 10 },
    (_, resource) => Array.from({ length: 9 }, (_, at) => `${PREFIX}/r${resource}/p${at}`),
  ).flat();
  const spans = (maxTxnOps: number) => spansOf(many, [], { maxTxnOps }).length;
  assert.deepEqual([3, 15, 16, 32, 128, 1_000].map(spans), [0, 0, 1, 2, 8, 8]);
});
