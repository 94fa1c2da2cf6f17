import { type Gvr, gvrOf, InvalidObjectError, type ObjectMeta } from "../k8s/mod.ts";
import type { GroupDirectory } from "./layout.ts";

/**
 * Checks that an object is the one that its path names.
 *
 * @param meta what the object says of itself
 * @param group the directory below the component that it stands in
 * @param namespace the namespace segment of its path, empty if there is none
 * @param name the last segment of its path
 * @returns its group, version and resource
 * @throws {InvalidObjectError} if object and path disagree, or if it has no resourceVersion
 */
export function identify(
  meta: ObjectMeta,
  group: GroupDirectory,
  namespace: string,
  name: string,
): Gvr {
  const gvr = gvrOf(group.resource, meta.apiVersion);
  if (gvr === undefined) throw new InvalidObjectError("apiVersion is not well formed");
  if (
    group.gvr !== undefined &&
    (gvr.group !== group.gvr.group || gvr.version !== group.gvr.version)
  ) {
    throw new InvalidObjectError("apiVersion is not that of its directory");
  }
  if (meta.name !== name) throw new InvalidObjectError("metadata.name is not that of its path");
  if (meta.namespace !== namespace) {
    throw new InvalidObjectError("metadata.namespace is not that of its path");
  }
  if (meta.resourceVersion === "") {
    throw new InvalidObjectError("has no metadata.resourceVersion");
  }
  return group.gvr ?? gvr;
}
