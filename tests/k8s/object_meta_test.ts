import assert from "node:assert/strict";
import fc from "fast-check";
import {
  compareResourceVersions,
  InvalidObjectError,
  isResourceVersion,
  type ObjectMeta,
  parseObjectMeta,
} from "../../lib/k8s/mod.ts";

const encoder = new TextEncoder();
const POD = {
  kind: "Pod",
  apiVersion: "v1",
  metadata: { name: "web-0", namespace: "default", uid: "u-1", resourceVersion: "7" },
};

function parse(value: unknown): ObjectMeta {
  return parseObjectMeta(encoder.encode(JSON.stringify(value)));
}

function refusal(bytes: Uint8Array): string {
  try {
    parseObjectMeta(bytes);
  } catch (error) {
    assert.ok(error instanceof InvalidObjectError);
    assert.equal(error.code, "InvalidContent");
    return error.message;
  }
  throw new Error("it was accepted");
}

const refused = (text: string) => refusal(encoder.encode(text));

Deno.test("parseObjectMeta() reads what edgekeyd needs and nothing else", () => {
  const spec = { containers: [{ name: "c", image: "i" }] };
  assert.deepEqual(parse({ ...POD, spec }), {
    kind: "Pod",
    apiVersion: "v1",
    name: "web-0",
    namespace: "default",
    uid: "u-1",
    resourceVersion: "7",
  });
});

Deno.test("parseObjectMeta() takes missing and null namespace, uid and resourceVersion as empty", () => {
  const expected = { kind: "Node", apiVersion: "v1", name: "n", namespace: "", uid: "" };
  for (const extra of [{}, { namespace: null, uid: null, resourceVersion: null }]) {
    const meta = parse({ kind: "Node", apiVersion: "v1", metadata: { name: "n", ...extra } });
    assert.deepEqual(meta, { ...expected, resourceVersion: "" });
  }
});

Deno.test("parseObjectMeta() refuses bytes that are no object, and says why without quoting them", () => {
  const table: [bytes: Uint8Array | string, reason: string][] = [
    ["", "empty"],
    ["secret", "not valid JSON"],
    ['{"kind":"Pod","apiVersion":"v1","metadata":{"na', "not valid JSON"],
    [`${JSON.stringify(POD)}${JSON.stringify(POD)}`, "not valid JSON"],
    [`\uFEFF${JSON.stringify(POD)}`, "not valid JSON"],
    [`${JSON.stringify(POD)}\0`, "not valid JSON"],
    [Uint8Array.of(0x6b, 0x38, 0x73, 0x00, 0x0a, 0x0b), "not valid JSON"],
    [Uint8Array.of(0x7b, 0xff, 0x7d), "not valid UTF-8"],
    // An overlong `/` and a surrogate in UTF-8.
    [Uint8Array.of(0xc0, 0xaf), "not valid UTF-8"],
    [Uint8Array.of(0xed, 0xa0, 0x80), "not valid UTF-8"],
    ["null", "not a JSON object"],
    ["[]", "not a JSON object"],
    ["7", "not a JSON object"],
    ['"text"', "not a JSON object"],
    ["{}", "has no metadata"],
    ['{"metadata":null}', "has no metadata"],
    ['{"metadata":[]}', "has no metadata"],
    // JSON can't reach the prototype.
    [`{"__proto__":${JSON.stringify(POD)}}`, "has no metadata"],
    [JSON.stringify({ ...POD, kind: undefined }), "has no apiVersion or no kind"],
    [JSON.stringify({ ...POD, apiVersion: "" }), "has no apiVersion or no kind"],
    [JSON.stringify({ ...POD, kind: 7 }), "kind is not a string"],
    [JSON.stringify({ ...POD, metadata: { resourceVersion: "7" } }), "has no metadata.name"],
    [JSON.stringify({ ...POD, metadata: { name: {} } }), "name is not a string"],
    [JSON.stringify({ ...POD, metadata: { name: "a", uid: 1 } }), "uid is not a string"],
    [
      JSON.stringify({ ...POD, metadata: { name: "a", namespace: [] } }),
      "namespace is not a string",
    ],
    [
      JSON.stringify({ ...POD, metadata: { name: "a", resourceVersion: 7 } }),
      "resourceVersion is not a string",
    ],
  ];
  for (const [content, reason] of table) {
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    assert.equal(refusal(bytes), reason);
  }
  for (
    const rv of ["0", "007", "-1", "+1", "1.0", "1e3", " 7", "7\n", "x", "9223372036854775808"]
  ) {
    assert.equal(
      refused(JSON.stringify({ ...POD, metadata: { name: "a", resourceVersion: rv } })),
      "metadata.resourceVersion is not a decimal from 1 to 2^63-1",
    );
  }
});

Deno.test("parseObjectMeta() refuses a uid that would not fit a record of the cache", () => {
  const withUid = (uid: string) => JSON.stringify({ ...POD, metadata: { ...POD.metadata, uid } });
  for (const uid of ["u".repeat(128), "3f0c-11", "a:b/c d"]) {
    assert.equal(parseObjectMeta(encoder.encode(withUid(uid))).uid, uid);
  }
  for (const uid of ["u".repeat(129), "u".repeat(70_000), '"', "\\", "\n", "\0", "é"]) {
    assert.equal(
      refused(withUid(uid)),
      "metadata.uid is not 1 to 128 plain ASCII characters",
    );
  }
});

Deno.test("parseObjectMeta() throws nothing but InvalidObjectError, whatever the bytes", () => {
  const mutated = fc.tuple(
    fc.constant(encoder.encode(JSON.stringify(POD))),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 4 }),
  ).map(([bytes, changes]) => {
    const copy = bytes.slice();
    for (const [at, byte] of changes) copy[at % copy.length] = byte;
    return copy;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated), (bytes) => {
      try {
        const meta = parseObjectMeta(bytes);
        assert.notEqual(meta.name, "");
        assert.equal(meta.resourceVersion === "" || isResourceVersion(meta.resourceVersion), true);
      } catch (error) {
        assert.ok(error instanceof InvalidObjectError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("parseObjectMeta() takes an object that is nested a hundred thousand deep", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  assert.equal(
    parseObjectMeta(encoder.encode(`{"spec":${deep},${JSON.stringify(POD).slice(1)}`)).name,
    "web-0",
  );
  assert.equal(refused("[".repeat(100_000)), "not valid JSON");
});

Deno.test("isResourceVersion() takes exactly the decimals from 1 to 2^63 - 1", () => {
  fc.assert(fc.property(fc.bigInt({ min: -10n, max: 2n ** 64n }), (value) => {
    assert.equal(isResourceVersion(String(value)), value >= 1n && value < 2n ** 63n);
  }));
  assert.equal(isResourceVersion("9223372036854775807"), true);
  assert.equal(isResourceVersion("9223372036854775808"), false);
  for (const text of ["", "01", "1 ", "١", "0x1", "1_0"]) {
    assert.equal(isResourceVersion(text), false);
  }
});

Deno.test("compareResourceVersions() orders as BigInt does", () => {
  const rv = fc.oneof(
    fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
    // Neighbours that a number can't tell apart.
    fc.bigInt({ min: 2n ** 53n - 2n, max: 2n ** 53n + 4n }),
    fc.bigInt({ min: 1n, max: 30n }),
  );
  fc.assert(
    fc.property(rv, rv, (a, b) => {
      const sign = Math.sign(compareResourceVersions(String(a), String(b)));
      assert.equal(sign, a < b ? -1 : a > b ? 1 : 0);
    }),
    { examples: [[2n ** 53n, 2n ** 53n + 1n], [10n, 9n]] },
  );
});
