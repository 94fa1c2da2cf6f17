import type { ObjectName } from "./object_key.ts";

// U+FFFD is what a name that is not UTF-8 was turned into: it would name another file. Half of a
// surrogate pair would be turned into it on the way to etcd, and so name another key.
const NOT_IN_SEGMENT = /[/%\0\uFFFD]/;
/** The longest name that a file has; Kubernetes' own limits are lower. */
const NAME_MAX_BYTES = 255;

const encoder = new TextEncoder();

/**
 * Tells whether a text can be one segment of a path, as Kubernetes checks names that become one.
 *
 * @param text the candidate
 * @returns true if it is one
 */
export function isSegment(text: string): boolean {
  return text !== "" && text !== "." && text !== ".." && !NOT_IN_SEGMENT.test(text) &&
    text.isWellFormed();
}

/**
 * Tells whether a text can name a component, a namespace or an object: a segment that could stand
 * in the fs cache as well.
 *
 * @param text the candidate
 * @returns true if it can
 */
export function isName(text: string): boolean {
  return isSegment(text) && encoder.encode(text).length <= NAME_MAX_BYTES;
}

/**
 * Tells whether an object can have this namespace (empty if cluster-scoped) and name.
 *
 * @param object what it says of itself
 * @returns true if it can
 */
export function isObjectName({ namespace, name }: ObjectName): boolean {
  return isName(name) && (namespace === "" || isName(namespace));
}
