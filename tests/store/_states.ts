import type { KeyRow, Owner } from "../../lib/keycache/mod.ts";

export const KEY = "/registry/pods/default/a";

/** Stands for the bytes that a version is taken to have. */
export function hashOf(uid: string, resourceVersion: string): string {
  return `bytes of ${uid} at ${resourceVersion}`;
}

/** An owner of {@linkcode KEY}: kubelet's pod with uid `u` and resourceVersion 7. */
export function ownerOf(changes: Partial<Owner> = {}): Owner {
  const { uid = "u", resourceVersion = "7" } = changes;
  return {
    component: "kubelet",
    gvr: "pods.v1.core",
    source: "current",
    uid,
    resourceVersion,
    hash: hashOf(uid, resourceVersion),
    stamp: { size: 100, mtimeMs: 1, ctimeMs: 2, ino: 3 },
    readAtMs: 4,
    ...changes,
  };
}

/** The row of {@linkcode KEY}: ours at mod 5, as its only owner has it. */
export function rowOf(changes: Partial<KeyRow> = {}): KeyRow {
  const { uid = "u", resourceVersion = "7" } = changes;
  return {
    key: KEY,
    ours: true,
    mod: "5",
    uid,
    resourceVersion,
    ...(resourceVersion !== "" && { hash: hashOf(uid, resourceVersion) }),
    owners: [ownerOf()],
    ...changes,
  };
}
