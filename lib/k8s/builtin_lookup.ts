import { BUILTIN_TABLE } from "./builtin_resources.ts";

/** What is known of a built-in resource. */
export interface BuiltinResource {
  /** As in `Pod`. */
  readonly kind: string;
  /** Whether its objects are in a namespace. */
  readonly namespaced: boolean;
  /** All that some release since 1.28 serves or stores; none if the resource is older than that. */
  readonly versions: ReadonlySet<string>;
  /** What stands in its key for the resource: `pods`, `services/specs`. */
  readonly path: string;
}

/**
 * The two groups that are built in, but keep their group in the key, as custom resources do: other
 * servers than kube-apiserver's core serve them (Kubernetes 1.32).
 */
const KEYED_BY_GROUP: ReadonlySet<string> = new Set([
  "apiextensions.k8s.io",
  "apiregistration.k8s.io",
]);

const GROUPS: ReadonlyMap<string, ReadonlyMap<string, BuiltinResource>> = new Map(
  Object.entries(BUILTIN_TABLE).map(([group, rows]) => [
    group,
    new Map(rows.map(([resource, kind, scope, versions, path = resource]) => [resource, {
      kind,
      namespaced: scope === "namespaced",
      versions: new Set(versions.split(" ").filter((version) => version !== "")),
      path,
    }])),
  ]),
);

/**
 * Tells whether Kubernetes itself has a group, in any release since 1.28.
 *
 * @param group the API group, "" for core
 * @returns true for the built-in groups; custom resources can't be in one
 */
export function isBuiltinGroup(group: string): boolean {
  return GROUPS.has(group);
}

/**
 * Tells whether kube-apiserver stores a group's objects with the group in the key.
 *
 * @param group the API group, "" for core
 * @returns true for custom groups, and for two of the built-in ones
 */
export function isKeyedByGroup(group: string): boolean {
  return !GROUPS.has(group) || KEYED_BY_GROUP.has(group);
}

/**
 * Looks a built-in resource up.
 *
 * @param group the API group, "" for core
 * @param resource its plural name
 * @returns what is known of it; undefined if the group has no such resource, or is not built in
 */
export function builtinResource(group: string, resource: string): BuiltinResource | undefined {
  return GROUPS.get(group)?.get(resource);
}

/**
 * Lists all built-in resources that a release since 1.28 stores.
 *
 * @returns group and plural name of each
 */
export function builtinResources(): { readonly group: string; readonly resource: string }[] {
  return [...GROUPS].flatMap(([group, resources]) =>
    [...resources].filter(([, { versions }]) => versions.size > 0)
      .map(([resource]) => ({ group, resource }))
  );
}
