import fc from "fast-check";
import type { IntentEntry, KeyRow, Owner } from "../../lib/keycache/mod.ts";

const PODS = ["a", "b", "c", "d", "e"];
const time = fc.integer({ min: 0, max: 2 ** 42 });
const mod = fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 1_000 }).map(String));
const resourceVersion = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String);
const uid = fc.constantFrom("u-1", "u-2", "");
const hash = fc.constantFrom("0123456789abcdef", "fedcba9876543210");
/** Fields that may be absent. */
const optional = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T, never>(fields, { requiredKeys: [], noNullPrototype: true });

/** The keys that {@linkcode row} draws from: few, so that changes meet. */
export const key: fc.Arbitrary<string> = fc.constantFrom(...PODS).map((name) =>
  `/registry/pods/default/${name}`
);

/**
 * Owners of a pod. `metrics` holds the older layout's path of a pod, which names no version, so
 * that it has one gvr only.
 */
export const owner: fc.Arbitrary<Owner> = fc.record({
  holder: fc.constantFrom<Pick<Owner, "component" | "gvr" | "source">>(
    { component: "kubelet", gvr: "pods.v1.core", source: "current" },
    { component: "kubelet", gvr: "pods.v2beta1.core", source: "current" },
    { component: "kube-proxy", gvr: "pods.v1.core", source: "current" },
    { component: "metrics", gvr: "pods.v1.core", source: "older" },
    { component: "api", gvr: "pods.v1.core", source: "api" },
  ),
  uid,
  resourceVersion,
  stamp: fc.record(
    { size: fc.nat(), mtimeMs: time, ctimeMs: time, ino: fc.nat() },
    { noNullPrototype: true },
  ),
  readAtMs: time,
  known: optional({ hash }),
}, { noNullPrototype: true }).map(({ holder, known, ...rest }) => ({
  ...holder,
  ...rest,
  ...known,
}));

/** A row of one of the few keys, each of its owners once. */
export const row: fc.Arbitrary<KeyRow> = fc.record({
  key,
  ours: fc.boolean(),
  mod,
  uid,
  resourceVersion,
  owners: fc.uniqueArray(owner, {
    maxLength: 4,
    selector: ({ component, gvr }) => `${component}/${gvr}`,
  }),
  known: optional({ hash, adopted: fc.constant(true as const) }),
}, { noNullPrototype: true }).map(({ known, ...rest }) => ({ ...rest, ...known }));

/** What an intent does to one key. */
export const entry: fc.Arbitrary<IntentEntry> = fc.tuple(
  row,
  fc.constantFrom<IntentEntry["action"]>("put", "delete", "keep"),
).map(([after, action]) => ({
  action,
  key: after.key,
  guardMod: after.mod ?? "0",
  after: action === "delete" ? null : after,
  uid: after.uid,
  resourceVersion: after.resourceVersion,
}));
