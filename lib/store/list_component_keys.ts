import type { ComponentKeyCache } from "../keycache/mod.ts";

/**
 * The object keys that a component holds, from the cache alone.
 *
 * @param cache what is recorded
 * @param component its name; undefined for all components
 * @param gvr one resource of it, as in `pods.v1.core`; undefined for all
 * @returns the keys, each once, in order
 */
export function listComponentKeys(
  cache: ComponentKeyCache,
  component?: string,
  gvr?: string,
): string[] {
  const keys = new Set<string>();
  for (const [name, resources] of cache.byOwner) {
    if (component !== undefined && name !== component) continue;
    for (const [resource, group] of resources) {
      if (gvr !== undefined && resource !== gvr) continue;
      for (const key of group) keys.add(key);
    }
  }
  return [...keys].sort();
}
