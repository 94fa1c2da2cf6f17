import { builtinResource, isKeyedByGroup } from "./builtin_resources.ts";
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
  // Before its group was known to be built in, a resource had keys as custom ones have.
  const bases = [resourcePrefix(prefix, gvr), `${prefix}/${gvr.group}/${gvr.resource}/`];
  const base = bases.find((one) => key.startsWith(one));
  if (base === undefined) return undefined;
  const segments = key.slice(base.length).split("/");
  const [first, second] = segments;
  if (segments.length > 2 || !first || second === "") return undefined;
  return second === undefined ? { namespace: "", name: first } : { namespace: first, name: second };
}
