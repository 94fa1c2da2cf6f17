import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { isIn, spansOf, vacantSpans } from "../../lib/store/spans.ts";

const PREFIX = "/pool/registry";
const bytesBefore = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const key = fc.tuple(
  fc.constantFrom("pods", "minions", "services/specs"),
  fc.constantFrom("d", "é", "～", "😀"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }).filter((name) => !name.includes("/")),
).map(([resource, namespace, name]) => `${PREFIX}/${resource}/${namespace}/${name}`);

Deno.test("spansOf() is one span for each resource, from its first to its last key as etcd orders them", () => {
  fc.assert(fc.property(fc.array(key, { maxLength: 30 }), (keys) => {
    const expected = new Map<string, string[]>();
    for (const one of keys) {
      const resource = one.split("/", 4).join("/");
      expected.set(resource, [...expected.get(resource) ?? [], one].toSorted(bytesBefore));
    }
    assert.deepEqual(
      spansOf(keys, PREFIX).map(({ first, last, keys }) => [first, last, keys]),
      [...expected.values()].map((sorted) => [sorted[0], sorted.at(-1), sorted.length]),
    );
  }));
});

Deno.test("vacantSpans() never spans a key that was seen, and only what is worth a compare", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(key, { maxLength: 60 }),
      fc.array(key, { maxLength: 2 }),
      (keys, seen) => {
        const spans = vacantSpans(keys, seen, PREFIX, 128);
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
  assert.deepEqual(vacantSpans(many, [`${PREFIX}/pods/d/a`, `${PREFIX}/pods/d/p8`], PREFIX, 128), [
    { first: `${PREFIX}/pods/d/p0`, last: `${PREFIX}/pods/d/p7`, keys: 8 },
  ]);
  assert.deepEqual(vacantSpans(many.slice(1), [], PREFIX, 128), []);
  assert.deepEqual(vacantSpans(many, [`${PREFIX}/pods/d/p3~`], PREFIX, 128), []);
});

Deno.test("vacantSpans() leaves the root's other compares their room", () => {
  const many = Array.from(
    { length: 10 },
    (_, resource) => Array.from({ length: 9 }, (_, at) => `${PREFIX}/r${resource}/p${at}`),
  ).flat();
  const spans = (maxTxnOps: number) => vacantSpans(many, [], PREFIX, maxTxnOps).length;
  assert.deepEqual([3, 15, 16, 32, 128, 1_000].map(spans), [0, 0, 1, 2, 8, 8]);
});
