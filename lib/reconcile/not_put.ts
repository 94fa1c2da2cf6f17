import type { ComponentKeyCache } from "../keycache/mod.ts";
import { ABSENT, type LeftOut } from "../store/mod.ts";
import type { Findings } from "./findings.ts";
import type { KeyNotPut } from "./report.ts";

/** Keys whose put was left out, by what is the matter. */
export interface NotPut {
  /** The file can't be imported: it is bad until somebody writes it anew. */
  readonly bad: readonly KeyNotPut[];
  /** It changed since it was looked at, or was not looked at: it is to be, now. */
  readonly changed: ReadonlyMap<string, LeftOut>;
}

/**
 * Tells what was left out since its file is being written from what was since its file is bad.
 *
 * @param cache tells where an owner's file is
 * @param findings what was looked at
 * @param leftOut keys whose put was left out
 */
export function sortLeftOut(
  cache: ComponentKeyCache,
  { snapshot }: Pick<Findings, "snapshot">,
  leftOut: ReadonlyMap<string, LeftOut>,
): NotPut {
  const bad: KeyNotPut[] = [];
  const changed = new Map<string, LeftOut>();
  for (const [key, left] of leftOut) {
    const path = cache.pathOf(key, left.owner);
    const isBad = path !== undefined && !snapshot.files.has(path) &&
      !snapshot.unchanged.has(path) && snapshot.absence(path) === "kept";
    if (!isBad) {
      changed.set(key, left);
      continue;
    }
    const reason = left.guardMod === ABSENT ? "missing in etcd" : "another version in etcd";
    bad.push({ key, path, reason });
  }
  bad.sort((a, b) => a.key < b.key ? -1 : 1);
  return { bad, changed };
}
