import { isBuiltinGroup } from "./builtin_lookup.ts";

/** A group, version and resource. The core group is the empty string, as in `apiVersion: v1`. */
export interface Gvr {
  /** The API group, as in `apps`; empty for core. */
  readonly group: string;
  /** The API version, as in `v1`. */
  readonly version: string;
  /** Plural name, as in `pods`. */
  readonly resource: string;
}

const RESOURCE = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const VERSION = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const GROUP = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const GROUP_MAX_CHARS = 253;

/**
 * Writes a gvr the way a cache directory does: `pods.v1.core`, `deployments.v1.apps`.
 *
 * @param gvr the group, version and resource
 * @returns `<resource>.<version>.<group>`, the core group as `core`
 */
export function formatGvr(gvr: Gvr): string {
  return `${gvr.resource}.${gvr.version}.${gvr.group === "" ? "core" : gvr.group}`;
}

/**
 * Reads `<resource>.<version>.<group>`; the group may hold dots, resource and version may not.
 *
 * @param text for example `pods.v1.core`
 * @returns the gvr, or undefined if the text is not one
 */
export function parseGvr(text: string): Gvr | undefined {
  const first = text.indexOf(".");
  const second = text.indexOf(".", first + 1);
  if (first < 0 || second < 0) return undefined;
  const resource = text.slice(0, first);
  const version = text.slice(first + 1, second);
  const group = text.slice(second + 1);
  if (!isResourceName(resource) || !VERSION.test(version) || !isGroup(group)) return undefined;
  return { group: group === "core" ? "" : group, version, resource };
}

/**
 * Tells whether a text can be the plural name of a resource (DNS-1035 label).
 *
 * @param text the candidate
 * @returns true if it is one
 */
export function isResourceName(text: string): boolean {
  return RESOURCE.test(text);
}

/**
 * Joins the resource of an older cache directory with an object's own `apiVersion`.
 *
 * @param resource plural name, for example `pods`
 * @param apiVersion `v1` or `<group>/<version>`
 * @returns the gvr, or undefined if the apiVersion is not well formed
 */
export function gvrOf(resource: string, apiVersion: string): Gvr | undefined {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  if (!isResourceName(resource) || !VERSION.test(version)) return undefined;
  if (slash >= 0 && (!isGroup(group) || group === "core")) return undefined;
  return { group, version, resource };
}

/** A group that is not built in always holds a dot: a CustomResourceDefinition must name a domain. */
function isGroup(text: string): boolean {
  if (text === "") return false;
  if (text === "core" || isBuiltinGroup(text)) return true;
  return text.length <= GROUP_MAX_CHARS && GROUP.test(text) && text.includes(".");
}
