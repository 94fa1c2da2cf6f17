import { builtinResource, isBuiltinGroup } from "./builtin_lookup.ts";
import type { Gvr } from "./gvr.ts";
import { resourcePrefix } from "./object_key.ts";

/** Where kube-apiserver keeps core Secrets, below its storage prefix. */
const SECRETS = "/secrets/";

/**
 * Tells whether kube-apiserver reads a key as that of a core Secret.
 *
 * @param prefix the storage prefix, for example `/registry`
 * @param key an object key
 */
export function isSecretKey(prefix: string, key: string): boolean {
  return key.startsWith(SECRETS, prefix.length) && key.startsWith(prefix);
}

/**
 * Tells whether the objects of a resource have the keys of core Secrets, whatever it is called: no
 * version stands in a key. What a built-in group does not have can't be imported at all.
 *
 * @param gvr the resource
 */
export function hasSecretKeys(gvr: Gvr): boolean {
  const { group, resource } = gvr;
  const isOne = !isBuiltinGroup(group) || builtinResource(group, resource) !== undefined;
  return isOne && resourcePrefix("", gvr).startsWith(SECRETS);
}
