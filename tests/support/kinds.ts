import { builtinResource, parseGvr } from "../../lib/k8s/mod.ts";

/**
 * The kind that an object of a resource is of.
 *
 * @param resource plural name, for example `pods`
 * @param apiVersion `v1` or `<group>/<version>`
 * @returns for example `Pod`; of a custom resource, its name without the plural
 */
export function kindOf(resource: string, apiVersion: string): string {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return builtinResource(group, resource)?.kind ??
    resource.slice(0, 1).toUpperCase() + resource.slice(1).replace(/s$/, "");
}

/** As {@linkcode kindOf}, by the directory of the cache, as in `pods.v1.core`. */
export function kindOfGvr(directory: string): string {
  const gvr = parseGvr(directory);
  return kindOf(gvr?.resource ?? directory, gvr?.group ? `${gvr.group}/${gvr.version}` : "v1");
}
