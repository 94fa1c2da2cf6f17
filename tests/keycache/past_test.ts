import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { decodePast, encodePast } from "../../lib/keycache/past.ts";

const PAST = {
  lastSuccessMs: 7,
  failure: { code: "Etcd", message: "away" },
  heldBack: [{ component: "kubelet", deletes: 12 }],
  invalid: [
    { path: "kubelet/pods.v1.core/x", reason: "not valid JSON" },
    { path: "kubelet/pods.v1.core/y", reason: "larger than 9 bytes", kind: "too-large" as const },
  ],
  notPut: [{ key: "/registry/a", path: "kubelet/a", reason: "missing in etcd" }],
  retired: true,
};

Deno.test("decodePast: what was written is read, and what is not known is no damage", () => {
  deepStrictEqual(decodePast(encodePast(PAST)), PAST);
  deepStrictEqual(decodePast({ ...PAST, later: 1 }), PAST);
  const nothing = { heldBack: [], invalid: [], notPut: [], retired: false };
  deepStrictEqual(decodePast({}), nothing);
});

Deno.test("decodePast: a field of another shape is damage", () => {
  for (
    const other of [
      null,
      7,
      { lastSuccessMs: "7" },
      { failure: {} },
      { heldBack: 3 },
      { heldBack: [{ component: "kubelet" }] },
      { invalid: [null] },
      { notPut: [{ key: "/registry/a" }] },
    ]
  ) {
    throws(() => decodePast(other), { code: "KeyCache" }, JSON.stringify(other));
  }
});

Deno.test("encodePast: of lists without end a record holds the first items", () => {
  const reason = "\u0001".repeat(40);
  const invalid = Array.from({ length: 10_000 }, (_, at) => ({ path: `kubelet/${at}`, reason }));
  const heldBack = Array.from({ length: 10_000 }, (_, at) => ({ component: `c${at}`, deletes: 1 }));
  const encoded = encodePast({ ...PAST, invalid, heldBack });
  ok(JSON.stringify(encoded).length < 60_000);
  strictEqual(encoded.invalid[0]?.path, "kubelet/0");
  ok(encoded.heldBack.length > 50);
});

Deno.test("encodePast: of a message without end, which etcd or a proxy may send, it holds the beginning", () => {
  const failure = { code: "Etcd", message: `away${"\u0001".repeat(100_000)}` };
  const encoded = encodePast({ ...PAST, failure });
  ok(JSON.stringify(encoded).length < 60_000);
  ok(encoded.failure?.message.startsWith("away"));
});
