import { builtinResource, isBuiltinGroup } from "../../lib/k8s/mod.ts";

/** Gets a path of an apiserver, as in `/apis/apps/v1`: the JSON of its answer. */
export type Get = (path: string) => Promise<unknown>;

/** What an apiserver stores, held against the table of built-in resources. */
export interface Comparison {
  /** Resources and versions that were compared. */
  readonly compared: number;
  /** What the table has otherwise, or not at all; one line each. */
  readonly differences: readonly string[];
}

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices";
/** What can be made, listed and watched is in etcd: subresources and reviews can't. */
const STORED_VERBS = ["create", "list", "watch"];

/**
 * Asks an apiserver for all that it stores, and holds it against the table of built-in resources.
 * Groups of custom resources and of other servers behind it are left out.
 *
 * @param get asks it
 * @returns what differs
 * @throws {TypeError} if an answer is not what discovery answers
 */
export async function compareWithDiscovery(get: Get): Promise<Comparison> {
  const foreign = await foreignGroups(get);
  const differences: string[] = [];
  let compared = 0;
  for (const { group, version, path } of await groupVersions(get)) {
    if (foreign.has(group)) continue;
    if (!isBuiltinGroup(group)) {
      differences.push(`${group} is a built-in group that the table does not have`);
      foreign.add(group);
      continue;
    }
    for (const found of arrayIn(await get(path), "resources")) {
      const verbs = arrayIn(found, "verbs");
      if (!STORED_VERBS.every((verb) => verbs.includes(verb))) continue;
      compared++;
      const resource = textIn(found, "name");
      differences.push(...differencesOf({ group, version, resource }, found));
    }
  }
  return { compared, differences };
}

function differencesOf(
  { group, version, resource }: { group: string; version: string; resource: string },
  found: unknown,
): string[] {
  const name = `${resource}.${version}.${group === "" ? "core" : group}`;
  const known = builtinResource(group, resource);
  if (known === undefined) return [`${name} is not in the table`];
  const kind = textIn(found, "kind");
  const namespaced = memberOf(found, "namespaced");
  return [
    ...(known.kind === kind ? [] : [`${name} is of kind ${kind}, not ${known.kind}`]),
    ...(known.namespaced === namespaced
      ? []
      : [`${name} is ${namespaced ? "namespaced" : "cluster-scoped"}, which the table denies`]),
    ...(known.versions.has(version)
      ? []
      : [`${name} is of a version that the table does not have`]),
  ];
}

/** Groups of custom resources, and those that another server answers for. */
async function foreignGroups(get: Get): Promise<Set<string>> {
  const groups = new Set<string>();
  for (const crd of arrayIn(await get(CRDS), "items")) {
    groups.add(textIn(memberOf(crd, "spec"), "group"));
  }
  for (const apiService of arrayIn(await get(API_SERVICES), "items")) {
    const spec = memberOf(apiService, "spec");
    if (memberOf(spec, "service")) groups.add(textIn(spec, "group"));
  }
  return groups;
}

async function groupVersions(get: Get) {
  const found = arrayIn(await get("/api"), "versions").map((version) => {
    if (typeof version !== "string") throw new TypeError("/api names no versions");
    return { group: "", version, path: `/api/${version}` };
  });
  for (const group of arrayIn(await get("/apis"), "groups")) {
    for (const one of arrayIn(group, "versions")) {
      const version = textIn(one, "version");
      const name = textIn(group, "name");
      found.push({ group: name, version, path: `/apis/${name}/${version}` });
    }
  }
  return found;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function arrayIn(value: unknown, name: string): readonly unknown[] {
  const found = memberOf(value, name);
  if (Array.isArray(found)) return found;
  throw new TypeError(`an answer has no list of ${name}`);
}

function textIn(value: unknown, name: string): string {
  const found = memberOf(value, name);
  if (typeof found === "string") return found;
  throw new TypeError(`an answer has no ${name}`);
}
