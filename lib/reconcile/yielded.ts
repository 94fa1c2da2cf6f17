import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { Findings } from "./findings.ts";

/** What a pass left for now, since another node of the pool may be about to put it. */
export interface Yielded {
  /** Object keys. */
  readonly keys: ReadonlySet<string>;
  /** Groups (`component/directory`) with the files of those who hold them. */
  readonly groups: ReadonlySet<string>;
}

/** Nothing was left. */
export const NOTHING_YIELDED: Yielded = { keys: new Set(), groups: new Set() };

/**
 * What a pass left for now.
 *
 * @param cache tells where a file is
 * @param findings what was looked at
 * @param keys object keys that were left
 */
export function yieldedIn(
  cache: ComponentKeyCache,
  { diff }: Findings,
  keys: ReadonlySet<string>,
): Yielded {
  const groups = new Set<string>();
  for (const key of keys) {
    const owners = [
      ...diff.changes.get(key)?.acquired ?? [],
      ...cache.rows.get(key)?.owners ?? [],
    ];
    for (const owner of owners) {
      const path = cache.pathOf(key, owner);
      if (path !== undefined) groups.add(path.split("/", 2).join("/"));
    }
  }
  return { keys, groups };
}
