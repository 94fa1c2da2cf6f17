import {
  checkObject,
  type Gvr,
  gvrOf,
  InvalidObjectError,
  type ObjectMeta,
  type ObjectName,
} from "../k8s/mod.ts";
import type { Place } from "./place.ts";

/** What an object turned out to be. */
export interface ObjectIdentity extends ObjectName {
  /** Its group, version and resource. */
  readonly gvr: Gvr;
}

/**
 * Checks that an object is the one that its path names, and one that a kube-apiserver can read.
 *
 * @param meta what the object says of itself
 * @param place the directory that it stands in
 * @param name the last segment of its path
 * @returns what it is; undefined for an Event that was made while the cloud was away, which is
 * nothing to import
 * @throws {InvalidObjectError} if object and path disagree, if it has no resourceVersion, or if
 * {@linkcode checkObject} refuses it
 */
export function identify(
  meta: ObjectMeta,
  { group, namespace }: Pick<Place, "group" | "namespace">,
  name: string,
): ObjectIdentity | undefined {
  const gvr = gvrOf(group.resource, meta.apiVersion);
  if (gvr === undefined) throw new InvalidObjectError("apiVersion is not well formed");
  if (
    group.gvr !== undefined &&
    (gvr.group !== group.gvr.group || gvr.version !== group.gvr.version)
  ) {
    throw new InvalidObjectError("apiVersion is not that of its directory");
  }
  if (meta.name !== name) throw new InvalidObjectError("metadata.name is not that of its path");
  // yurthub takes each resource of this name for the core one, which is in no namespace.
  const isHidden = gvr.resource === "namespaces" && gvr.group !== "";
  if (meta.namespace !== namespace && !isHidden) {
    throw new InvalidObjectError("metadata.namespace is not that of its path");
  }
  checkObject(meta, gvr);
  if (meta.resourceVersion === "") {
    if (isEvent(gvr) && meta.uid === "") return undefined;
    throw new InvalidObjectError("has no metadata.resourceVersion");
  }
  return { gvr: group.gvr ?? gvr, namespace: meta.namespace, name };
}

function isEvent({ group, resource }: Gvr): boolean {
  return resource === "events" && (group === "" || group === "events.k8s.io");
}
