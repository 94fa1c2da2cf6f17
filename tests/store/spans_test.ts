import assert from "node:assert/strict";
import fc from "fast-check";
import { spansOf } from "../../lib/store/spans.ts";
import { bytesBefore, key, PREFIX } from "./_keys.ts";

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
