import type { ComponentKeyCache } from "../keycache/mod.ts";
import { ABSENT, type LeftOut } from "../store/mod.ts";
import type { Findings } from "./findings.ts";
import { isUnreadable } from "./readable.ts";
import type { KeyNotPut } from "./report.ts";
import { secretsHeldBack } from "./secrets.ts";

/** Keys whose put was left out, by what is the matter. */
export interface NotPut {
  /** The file can't be imported: it is bad, or gone and held back, until it is written anew. */
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
  findings: Pick<Findings, "snapshot" | "diff" | "guarded">,
  leftOut: ReadonlyMap<string, LeftOut>,
): NotPut {
  const { snapshot } = findings;
  const secrets = secretsHeldBack(findings);
  const bad: KeyNotPut[] = [];
  const changed = new Map<string, LeftOut>();
  for (const [key, left] of leftOut) {
    // One that is to be let go is not put again meanwhile, whatever became of it in etcd.
    if (secrets.has(key)) continue;
    const path = cache.pathOf(key, left.owner);
    if (path === undefined || !isUnreadable(snapshot, path)) {
      changed.set(key, left);
      continue;
    }
    const reason = left.guardMod === ABSENT ? "missing in etcd" : "another version in etcd";
    bad.push({ key, path, reason });
  }
  bad.sort((a, b) => a.key < b.key ? -1 : 1);
  return { bad, changed };
}
