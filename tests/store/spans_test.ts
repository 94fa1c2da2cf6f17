import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { spansOf } from "../../lib/store/spans.ts";

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
