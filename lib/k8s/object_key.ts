import { isBuiltinGroup } from "./builtin_groups.ts";
import type { Gvr } from "./gvr.ts";

/** The namespace (empty if cluster-scoped) and name that an object key ends with. */
export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Where kube-apiserver's storage path differs from the resource's plural name, as
 * `<group>/<resource>` (Kubernetes 1.32, `default_storage_factory_builder.go`).
 */
const PATH_OVERRIDES: ReadonlyMap<string, string> = new Map([
  ["/replicationcontrollers", "controllers"],
  ["/endpoints", "services/endpoints"],
  ["/services", "services/specs"],
  ["/nodes", "minions"],
  ["networking.k8s.io/ingresses", "ingress"],
  ["extensions/ingresses", "ingress"],
  ["policy/podsecuritypolicies", "podsecuritypolicy"],
  ["extensions/podsecuritypolicies", "podsecuritypolicy"],
]);

/**
 * The etcd prefix under which kube-apiserver keeps a resource, with a trailing slash.
 * `events` of `events.k8s.io` need no override: a built-in group leaves no trace in the path.
 *
 * @param prefix the storage prefix, for example `/registry`
 * @param gvr the resource; its version does not matter
 * @returns for example `/registry/services/specs/`
 */
export function resourcePrefix(prefix: string, gvr: Gvr): string {
  const path = PATH_OVERRIDES.get(`${gvr.group}/${gvr.resource}`) ?? gvr.resource;
  return isBuiltinGroup(gvr.group) ? `${prefix}/${path}/` : `${prefix}/${gvr.group}/${path}/`;
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
  const base = resourcePrefix(prefix, gvr);
  if (!key.startsWith(base)) return undefined;
  const segments = key.slice(base.length).split("/");
  const [first, second] = segments;
  if (segments.length > 2 || !first || second === "") return undefined;
  return second === undefined ? { namespace: "", name: first } : { namespace: first, name: second };
}
