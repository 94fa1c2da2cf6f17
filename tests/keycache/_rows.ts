import type { ComponentKeyCache, IntentEntry, KeyRow, Owner } from "../../lib/keycache/mod.ts";

/** Kubelet as an owner of a pod. */
export function ownerOf(changes: Partial<Owner> = {}): Owner {
  return {
    component: "kubelet",
    gvr: "pods.v1.core",
    source: "current",
    uid: "u-1",
    resourceVersion: "7",
    stamp: { size: 100, mtimeMs: 1, ctimeMs: 2, ino: 3 },
    readAtMs: 4,
    ...changes,
  };
}

/** The row of a pod's key that we put. */
export function rowOf(name: string, changes: Partial<KeyRow> = {}): KeyRow {
  return {
    key: `/registry/pods/default/${name}`,
    ours: true,
    mod: null,
    uid: "u-1",
    resourceVersion: "7",
    owners: [ownerOf()],
    ...changes,
  };
}

/** What an intent says of a first put. */
export function putOf(after: KeyRow): IntentEntry {
  return { action: "put", key: after.key, guardMod: "0", after, uid: "", resourceVersion: "" };
}

/** What an intent says of the delete of a pod's key. */
export function deleteOf(name: string): IntentEntry {
  return {
    action: "delete",
    key: `/registry/pods/default/${name}`,
    guardMod: "5",
    after: null,
    uid: "u-1",
    resourceVersion: "7",
  };
}

let drawn = 0;
/** Draws what no other call drew. */
export const random = () => `r${drawn++}`;

/** A batch from begin to settle, in which every guard holds. */
export async function commit(cache: ComponentKeyCache, entries: IntentEntry[], revision = "9") {
  await cache.begin(entries, random);
  await cache.settle(entries.map(() => true), revision);
}
