import { kindOf } from "./kinds.ts";

/** What an object of a test says of itself. */
export interface ObjectOptions {
  /** `<resource>.<version>.<group>`. */
  readonly gvr?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly resourceVersion?: string;
  readonly uid?: string;
  /** So many more bytes. */
  readonly padding?: number;
}

/**
 * One Kubernetes object as yurthub caches it.
 *
 * @param options what it says of itself; a pod in `default` at resourceVersion 7 by default
 * @returns its JSON
 */
export function objectJson(options: ObjectOptions): string {
  const { gvr = "pods.v1.core", namespace = "default", name, resourceVersion = "7" } = options;
  const [resource = "", version = "", ...dots] = gvr.split(".");
  const group = dots.join(".");
  const apiVersion = group === "core" ? version : `${group}/${version}`;
  return JSON.stringify({
    kind: kindOf(resource, apiVersion),
    apiVersion,
    metadata: {
      name,
      ...(namespace === "" ? {} : { namespace }),
      uid: options.uid ?? `uid-of-${name}`,
      ...(resourceVersion === "" ? {} : { resourceVersion }),
    },
    ...(options.padding ? { padding: "p".repeat(options.padding) } : {}),
  });
}

/** As {@linkcode objectJson}, as bytes. */
export function objectBytes(options: ObjectOptions): Uint8Array {
  return new TextEncoder().encode(objectJson(options));
}
