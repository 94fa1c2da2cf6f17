import { type CustomResource, type Gvr, isRecord, parseJsonObject } from "../k8s/mod.ts";
import { namesInRoot } from "./component_names.ts";
import { type CustomResources, nameOfResource } from "./custom_resources.ts";
import type { FileSystem } from "./file_system.ts";
import { INTERNAL_DIRECTORY } from "./layout.ts";

/** Where yurthub keeps the kinds of the custom resources that it has met. */
const RESTMAPPER = [INTERNAL_DIRECTORY, "restmapper", "cache-crd-restmapper.conf"];
const CRD_DIRECTORIES = [
  "customresourcedefinitions.v1.apiextensions.k8s.io",
  "customresourcedefinitions",
];
/** etcd takes no larger definition from an apiserver, and a hundred bytes tell a kind. */
const MAX_BYTES = 1_572_864;
/** As a CustomResourceDefinition may name it: a DNS-1035 label once it is in lower case. */
const KIND = /^[A-Za-z][-A-Za-z0-9]{0,62}$/;

/** What the cache itself says of custom resources, read when it is asked for. */
export class CustomSources {
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #components: readonly string[];
  #kinds: ReadonlyMap<string, string> | undefined;

  /**
   * @param fs where the cache is
   * @param root the cache root
   * @param components the component directories in it
   */
  constructor(fs: FileSystem, root: string, components: Iterable<string>) {
    this.#fs = fs;
    this.#root = root;
    this.#components = [...components].sort();
  }

  /**
   * Says what yurthub's restmapper file and the CustomResourceDefinitions of the cache say of a
   * resource. The restmapper file counts more; of several definitions, that of the first component.
   *
   * @param gvr the resource
   * @returns what they say
   */
  of(gvr: Gvr): CustomResource {
    const kind = this.#restmapper().get(nameOfResource(gvr));
    const definition = this.#definition(gvr);
    return { kind: kind ?? definition?.kind, namespaced: definition?.namespaced };
  }

  /**
   * Tells whether the cache knows the group of a resource as one of custom resources.
   *
   * @param gvr the resource
   * @returns true if the restmapper file has the group, or a definition is the resource's
   */
  knowsGroup(gvr: Gvr): boolean {
    const suffix = `.${gvr.group}`;
    return this.#restmapper().keys().some((name) => name.endsWith(suffix)) ||
      this.#definition(gvr) !== undefined;
  }

  #restmapper(): ReadonlyMap<string, string> {
    if (this.#kinds === undefined) {
      const kinds = new Map<string, string>();
      // As in "devices.example.com/v1/sensors": "Sensor".
      for (const [key, kind] of Object.entries(this.#object(RESTMAPPER, MAX_BYTES) ?? {})) {
        const [group, version, resource, more] = key.split("/");
        if (group === undefined || version === undefined || resource === undefined) continue;
        if (more !== undefined || typeof kind !== "string" || !KIND.test(kind)) continue;
        const name = nameOfResource({ group, version, resource });
        if (!kinds.has(name)) kinds.set(name, kind);
      }
      this.#kinds = kinds;
    }
    return this.#kinds;
  }

  #definition({ group, resource }: Gvr): CustomResource | undefined {
    for (const component of this.#components) {
      for (const directory of CRD_DIRECTORIES) {
        const crd = this.#object([component, directory, `${resource}.${group}`], MAX_BYTES);
        const spec = crd?.kind === "CustomResourceDefinition" ? crd.spec : undefined;
        if (!isRecord(spec) || !isRecord(spec.names) || spec.group !== group) continue;
        const { names: { plural, kind }, scope } = spec;
        if (plural !== resource || typeof kind !== "string" || !KIND.test(kind)) continue;
        if (scope !== "Namespaced" && scope !== "Cluster") continue;
        return { kind, namespaced: scope === "Namespaced" };
      }
    }
    return undefined;
  }

  /** An object in a file; undefined if there is none, or what stands there is none. */
  #object(segments: readonly string[], maxBytes: number) {
    try {
      for (let end = 1; end < segments.length; end++) {
        // No symlink is followed on the way either.
        const { kind } = this.#fs.lstat(this.#path(segments.slice(0, end)));
        if (kind !== "directory") return undefined;
      }
      return parseJsonObject(this.#fs.readFile(this.#path(segments), maxBytes).bytes);
    } catch {
      // It only helps to know more: what is wrong with a file of an object is said elsewhere.
      return undefined;
    }
  }

  #path(segments: readonly string[]): string {
    return `${this.#root}/${segments.join("/")}`;
  }
}

/** An fs cache in which custom resources are looked up. */
export interface CustomLookUp {
  /** Where it is. */
  readonly fs: FileSystem;
  /** The cache root. */
  readonly root: string;
  /** What its scans found. */
  readonly customs?: CustomResources | undefined;
}

/**
 * Says what an fs cache knows of a custom resource: by its restmapper file, by its
 * CustomResourceDefinitions, or by its objects.
 *
 * @param cache the fs cache
 * @param gvr the resource
 * @returns what it is, as far as that is known
 * @throws {CacheRootError} if the root can't be listed
 */
export function customResource({ fs, root, customs }: CustomLookUp, gvr: Gvr): CustomResource {
  const said = new CustomSources(fs, root, namesInRoot(fs, root)).of(gvr);
  const seen = customs?.get(gvr);
  return { kind: said.kind ?? seen?.kind, namespaced: said.namespaced ?? seen?.namespaced };
}
