import { parseGvr } from "../k8s/mod.ts";
import type { KeyRow, Owner } from "../keycache/mod.ts";
import type { FsCache } from "./look.ts";

/**
 * Keys that are kept for files at which the run was told not to look, and for no others.
 *
 * @param keys what is recorded
 * @param source what is looked at
 */
export function keysNotLookedAt(
  keys: Iterable<Pick<KeyRow, "key" | "owners">>,
  { coverage: { components, excludeResources } }: Pick<FsCache, "coverage">,
): ReadonlySet<string> {
  const unseen = new Set<string>();
  if (!components && !excludeResources) return unseen;
  const isUnseen = ({ component, gvr, source }: Owner) => {
    if (source === "api") return false;
    const resource = excludeResources && parseGvr(gvr);
    return components?.has(component) === false ||
      (resource !== undefined && excludeResources?.has(resource) === true);
  };
  for (const { key, owners } of keys) {
    if (owners.length > 0 && owners.every(isUnseen)) unseen.add(key);
  }
  return unseen;
}
