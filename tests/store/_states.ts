import type { KeyRow, Owner } from "../../lib/keycache/mod.ts";

export const KEY = "/registry/pods/default/a";

/** An owner of {@linkcode KEY}: kubelet's pod with uid `u` and resourceVersion 7. */
export function ownerOf(changes: Partial<Owner> = {}): Owner {
  return {
    component: "kubelet",
    gvr: "pods.v1.core",
    source: "current",
    uid: "u",
    resourceVersion: "7",
    stamp: { size: 100, mtimeMs: 1, ctimeMs: 2, ino: 3 },
    readAtMs: 4,
    ...changes,
  };
}

/** The row of {@linkcode KEY}: ours at mod 5, as its only owner has it. */
export function rowOf(changes: Partial<KeyRow> = {}): KeyRow {
  return {
    key: KEY,
    ours: true,
    mod: "5",
    uid: "u",
    resourceVersion: "7",
    owners: [ownerOf()],
    ...changes,
  };
}
