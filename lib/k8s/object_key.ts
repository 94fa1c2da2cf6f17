import { builtinResource, isBuiltinGroup, isKeyedByGroup } from "./builtin_lookup.ts";
import type { Gvr } from "./gvr.ts";

/** The namespace (empty if cluster-scoped) and name that an object key ends with. */
export interface ObjectName {
  /** Empty if the object is in none. */
  readonly namespace: string;
  /** Its name in there. */
  readonly name: string;
}

/**
 * The etcd prefix under which kube-apiserver keeps a resource, with a trailing slash.
 * `events` of both groups share one: a built-in group leaves no trace in the key.
 *
 * @param prefix the storage prefix, for example `/registry`
 * @param gvr the resource; its version does not matter
 * @returns for example `/registry/services/specs/`
 */
export function resourcePrefix(prefix: string, gvr: Gvr): string {
  const path = builtinResource(gvr.group, gvr.resource)?.path ?? gvr.resource;
  return isKeyedByGroup(gvr.group) ? `${prefix}/${gvr.group}/${path}/` : `${prefix}/${path}/`;
}

/**
 * The etcd key of one object.
 *
 * @param prefix the storage prefix, for example `/registry`
 * @param gvr the resource
 * @param object namespace (empty if cluster-scoped) and name; neither holds a `/`
 * @returns for example `/registry/pods/default/web-0`
 */
export function objectKey(prefix: string, gvr: Gvr, object: ObjectName): string {
  const base = resourcePrefix(prefix, gvr);
  return object.namespace === "" ? base + object.name : `${base}${object.namespace}/${object.name}`;
}

/**
 * The inverse of {@linkcode objectKey} for a known resource.
 *
 * @param prefix the storage prefix
 * @param gvr the resource
 * @param key an etcd key
 * @returns namespace and name, or undefined if the key is not one of this resource
 */
export function nameInKey(prefix: string, gvr: Gvr, key: string): ObjectName | undefined {
  const { group, resource } = gvr;
  // Keys of before: a group that was not known to be built in, a path that was not known to differ.
  const before = [`${prefix}/${group}/${resource}/`, `${prefix}/${resource}/`];
  const bases = [resourcePrefix(prefix, gvr), ...before.slice(0, isBuiltinGroup(group) ? 2 : 1)];
  const base = bases.find((one) => key.startsWith(one));
  if (base === undefined) return undefined;
  const segments = key.slice(base.length).split("/");
  const [first, second] = segments;
  if (segments.length > 2 || !first || second === "") return undefined;
  return second === undefined ? { namespace: "", name: first } : { namespace: first, name: second };
}
