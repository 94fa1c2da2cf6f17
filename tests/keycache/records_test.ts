import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeWindow, encodeWindow } from "../../lib/keycache/delete_window.ts";
import { KeyCacheError } from "../../lib/keycache/errors.ts";
import {
  decodeEntry,
  decodeHeader,
  decodeIntentWindow,
  encodeEntry,
  encodeIntentWindow,
} from "../../lib/keycache/intent.ts";
import { decodeRow, encodeRow } from "../../lib/keycache/key_row.ts";
import { seal, unseal } from "../../lib/keycache/sealed.ts";
import { entry, row } from "./_arbitraries.ts";

const KEY = ["row", "/registry/pods/d/a"];

/** What a record is after it has been in the database. */
const stored = (value: unknown): unknown => unseal(KEY, seal(KEY, value));

const damaged = (error: unknown) => error instanceof KeyCacheError && error.reason === "damaged";

Deno.test("unseal() reads what seal() wrote under the same key", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.deepEqual(unseal(KEY, seal(KEY, value)), JSON.parse(JSON.stringify(value)));
  }));
});

Deno.test("unseal() finds every flipped bit, every cut, and a record under another key", () => {
  const sealed = seal(KEY, encodeRow(fc.sample(row, { seed: 7, numRuns: 1 })[0] ?? fail(), 3));
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const copy = sealed.slice();
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => unseal(KEY, copy), damaged, `bit ${bit}`);
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => unseal(KEY, sealed.subarray(0, length)), damaged, `cut to ${length}`);
  }
  for (
    const other of [["row", "/registry/pods/d/b"], ["row"], [...KEY, ""], ["rox", KEY[1] ?? ""]]
  ) {
    assert.throws(() => unseal(other, sealed), damaged, other.join(" "));
  }
});

function fail(): never {
  throw new Error("nothing was drawn");
}

Deno.test("decodeRow() reads what encodeRow() wrote, its mod only within the same epoch", () => {
  const epochs = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }));
  fc.assert(fc.property(row, epochs, (value, [then, now]) => {
    const read = decodeRow(value.key, stored(encodeRow(value, then)), now);
    assert.deepEqual(read, then === now ? value : { ...value, mod: null });
  }));
});

Deno.test("decodeEntry() reads what encodeEntry() wrote", () => {
  fc.assert(fc.property(entry, (value) => {
    assert.deepEqual(decodeEntry(stored(encodeEntry(value, 4)), 4), value);
  }));
});

Deno.test("decodeHeader() reads a header, and decodeWindow() what encodeWindow() wrote", () => {
  const header = {
    expected: null,
    next: "l/1/a",
    bump: "l/2/b",
    seq: 1,
    entries: 3,
    chunks: 1,
    digest: 77,
  };
  assert.deepEqual(decodeHeader(stored(header)), header);
  const window = [{ atMs: 1, keys: 2, deletes: 3 }, { atMs: 4, keys: 5, deletes: 6 }];
  assert.deepEqual(decodeWindow(stored(encodeWindow(window))), window);
  const noted = stored(encodeIntentWindow("kubelet", window));
  assert.deepEqual(decodeIntentWindow(noted), ["kubelet", window]);
  assert.throws(() => decodeEntry(noted, 1), damaged);
  for (const item of [["window"], ["window", 7, []], ["window", "a", 7]]) {
    assert.throws(() => decodeIntentWindow(item), damaged);
  }
  for (const item of [null, 7, "window", [], [0, "window"], {}]) {
    assert.equal(decodeIntentWindow(item), undefined);
  }
});

Deno.test("no decoder takes a record of another shape, and none throws anything else", () => {
  const hostile = fc.oneof(
    fc.jsonValue(),
    // Nearly right: one item of a good record is something else, missing, or too many.
    fc.tuple(row, fc.jsonValue(), fc.nat(7)).map(([value, item, at]) => {
      const record = encodeRow(value, 1);
      return Array.isArray(record) ? record.toSpliced(at, 1, item) : record;
    }),
    fc.tuple(entry, fc.jsonValue(), fc.nat(7)).map(([value, item, at]) => {
      const record = encodeEntry(value, 1);
      return Array.isArray(record) ? record.toSpliced(at, 1, item) : record;
    }),
  );
  fc.assert(
    fc.property(hostile, (value) => {
      for (
        const decode of [
          () => encodeRow(decodeRow("/k", value, 1), 1),
          () => encodeEntry(decodeEntry(value, 1), 1),
          () => encodeWindow(decodeWindow(value)),
          () => decodeHeader(value),
        ]
      ) {
        try {
          decode();
        } catch (error) {
          assert.ok(damaged(error), String(error));
        }
      }
    }),
    { numRuns: 1_000 },
  );
  for (const value of [null, 7, "x", {}, [], [[]], [1, 2], { seq: 1 }]) {
    assert.throws(() => decodeRow("/k", value, 1), damaged);
    assert.throws(() => decodeEntry(value, 1), damaged);
    assert.throws(() => decodeHeader(value), damaged);
  }
  for (const value of [null, {}, [1], [[1, 2]], [["1", 2, 3]]]) {
    assert.throws(() => decodeWindow(value), damaged);
  }
});
