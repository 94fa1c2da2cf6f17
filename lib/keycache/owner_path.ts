import { formatPath } from "../fscache/mod.ts";
import { type Gvr, nameInKey, parseGvr } from "../k8s/mod.ts";
import { KeyCacheError } from "./errors.ts";
import type { Owner } from "./key_row.ts";

/**
 * Makes the function that tells where an owner's file is: rows do not store paths, since key and
 * owner say it all.
 *
 * @param prefix the etcd prefix of all object keys
 * @returns path below the cache root, or undefined for an owner from the API; it throws a
 * `damaged` KeyCacheError if the key is not one of the owner's gvr
 */
export function ownerPaths(prefix: string): (key: string, owner: Owner) => string | undefined {
  const parsed = new Map<string, Gvr>();
  return (key, owner) => {
    if (owner.source === "api") return undefined;
    const gvr = parsed.get(owner.gvr) ?? parseGvr(owner.gvr);
    const name = gvr && nameInKey(prefix, gvr, key);
    if (!gvr || !name) {
      throw new KeyCacheError(
        "damaged",
        `the cache's row of ${key} has an owner of another resource`,
      );
    }
    parsed.set(owner.gvr, gvr);
    const directory = owner.source === "older" ? gvr.resource : owner.gvr;
    return formatPath({ component: owner.component, directory, ...name });
  };
}
