import {
  builtinResource,
  type Gvr,
  isBuiltinGroup,
  isResourceName,
  parseGvr,
  resourcePrefix,
} from "../k8s/mod.ts";
import { parseDirectory } from "./layout.ts";

/** As Kubernetes' own versions are: in `sensors.devices.example.com` a version is left out. */
const VERSION = /^v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$/;

/**
 * Resources that are left out, by the keys that they have in etcd: two versions or groups that share
 * a key are left out together, in whatever directory their files stand.
 */
export class ExcludedResources {
  readonly #names = new Set<string>();
  readonly #prefixes = new Set<string>();

  /**
   * Takes what a flag names.
   *
   * @param texts `leases` for every group, `leases.coordination.k8s.io` or
   * `leases.v1.coordination.k8s.io` for one; what is neither leaves out nothing
   */
  constructor(texts: Iterable<string>) {
    for (const text of texts) {
      if (isResourceName(text)) this.#names.add(text);
      const gvr = parseExcluded(text);
      if (gvr !== undefined && isResource(gvr)) this.#prefixes.add(resourcePrefix("", gvr));
    }
  }

  /**
   * Tells whether a directory below a component is left out as a whole.
   *
   * @param directory its canonical name
   * @returns true if it is; of the older layout, if every group's resource of this name is
   */
  hasDirectory(directory: string): boolean {
    const group = parseDirectory(directory);
    if (group === undefined) return false;
    return this.#names.has(group.resource) || (group.gvr !== undefined && this.has(group.gvr));
  }

  /**
   * Tells whether a resource is left out.
   *
   * @param gvr the resource
   * @returns true if it is
   */
  has(gvr: Gvr): boolean {
    return this.#names.has(gvr.resource) || this.#prefixes.has(resourcePrefix("", gvr));
  }
}

/** What a built-in group does not have leads to another's keys, and is most likely a slip. */
function isResource({ group, resource }: Gvr): boolean {
  return !isBuiltinGroup(group) || builtinResource(group, resource) !== undefined;
}

function parseExcluded(text: string): Gvr | undefined {
  const [resource = "", version = "", ...group] = text.split(".");
  if (VERSION.test(version) && group.length > 0) {
    const gvr = parseGvr(text);
    if (gvr !== undefined) return gvr;
  }
  return parseGvr([resource, "v1", version, ...group].join("."));
}
