import type { Prng } from "./prng.ts";

/** One resource of the simulated cluster, written down here a second time on purpose. */
export interface Resource {
  /** The cache's directory, and the owner's gvr. */
  readonly gvr: string;
  /** The older layout's directory. */
  readonly older: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Where its objects are in etcd. */
  readonly keyPrefix: string;
  readonly namespaced: boolean;
}

export const RESOURCES: readonly Resource[] = [
  resource("pods.v1.core", "v1", "Pod", "/registry/pods/", true),
  resource("services.v1.core", "v1", "Service", "/registry/services/specs/", true),
  resource("nodes.v1.core", "v1", "Node", "/registry/minions/", false),
  resource(
    "horizontalpodautoscalers.v1.autoscaling",
    "autoscaling/v1",
    "HorizontalPodAutoscaler",
    "/registry/horizontalpodautoscalers/",
    true,
  ),
  resource(
    "horizontalpodautoscalers.v2.autoscaling",
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    "/registry/horizontalpodautoscalers/",
    true,
  ),
  resource(
    "widgets.v1.example.com",
    "example.com/v1",
    "Widget",
    "/registry/example.com/widgets/",
    true,
  ),
];

/** The highest that an etcd counts to; a higher one is invalid. */
export const MAX_RESOURCE_VERSION = 2n ** 63n - 1n;

const NAMESPACES = ["default", "kube-system"];
const NAMES = ["a", "b", "c", "d", "e", "f"];

/** An object of the cluster, by its place. */
export interface Place {
  readonly resource: Resource;
  /** Empty if the resource is not namespaced. */
  readonly namespace: string;
  readonly name: string;
}

/** A version of an object. */
export interface Version {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** @returns the etcd key of an object */
export function keyOfPlace({ resource, namespace, name }: Place): string {
  return resource.keyPrefix + (namespace === "" ? name : `${namespace}/${name}`);
}

/** @returns the object of a resource that an etcd key stands for */
export function placeOf(resource: Resource, key: string): Place {
  const [first = "", second] = key.slice(resource.keyPrefix.length).split("/");
  return second === undefined
    ? { resource, namespace: "", name: first }
    : { resource, namespace: first, name: second };
}

/** The cluster in the cloud, whose objects the nodes' caches hold copies of. */
export class Cloud {
  readonly #prng: Prng;
  readonly #versions = new Map<string, Version[]>();
  #revision: bigint;
  #uids = 0;

  /**
   * @param prng draws what changes
   * @param revision where it counts from
   */
  constructor(prng: Prng, revision: bigint) {
    this.#prng = prng;
    this.#revision = revision;
  }

  /** @returns some place of a resource */
  place(resource: Resource): Place {
    const namespace = resource.namespaced ? this.#prng.pick(NAMESPACES) : "";
    return { resource, namespace, name: this.#prng.pick(NAMES) };
  }

  /** @returns all places of a resource */
  places(resource: Resource): Place[] {
    return (resource.namespaced ? NAMESPACES : [""])
      .flatMap((namespace) => NAMES.map((name) => ({ resource, namespace, name })));
  }

  /** @returns the object's latest version; it is made if there is none */
  latest(key: string): Version {
    return this.#versions.get(key)?.at(-1) ?? this.change(key);
  }

  /** @returns a version that some component may still hold */
  older(key: string): Version {
    return this.#prng.pick(this.#versions.get(key) ?? [this.latest(key)]);
  }

  /** Changes an object. @returns its new version */
  change(key: string): Version {
    const versions = this.#versions.get(key) ?? [];
    this.#count();
    const uid = versions.at(-1)?.uid ?? `uid-${++this.#uids}`;
    const version = { uid, resourceVersion: String(this.#revision) };
    this.#versions.set(key, [...versions, version]);
    return version;
  }

  /** Deletes an object and makes it anew. @returns its new version */
  replace(key: string): Version {
    this.#count();
    const version = { uid: `uid-${++this.#uids}`, resourceVersion: String(this.#revision) };
    this.#versions.set(key, [...this.#versions.get(key) ?? [], version]);
    return version;
  }

  /** The cluster is set up anew: other uids, and it counts from the start again. */
  rebuild(): void {
    this.#revision = BigInt(this.#prng.between(1, 20));
    this.#versions.clear();
  }

  /** The cluster is restored from a backup: it counts from there again, and objects are as then. */
  restore(): void {
    this.#revision -= BigInt(this.#prng.between(1, 60));
    if (this.#revision < 1n) this.#revision = 1n;
    for (const [key, versions] of this.#versions) {
      const left = versions.filter((one) => BigInt(one.resourceVersion) <= this.#revision);
      if (left.length > 0) this.#versions.set(key, left);
      else this.#versions.delete(key);
    }
  }

  #count(): void {
    this.#revision += BigInt(this.#prng.between(1, 3));
  }
}

/**
 * An object as yurthub writes it.
 *
 * @param place which object
 * @param version which version of it
 * @param padding how many bytes of content it has
 */
export function objectBytes(place: Place, version: Version, padding: number): Uint8Array {
  const { resource: { apiVersion, kind }, namespace, name } = place;
  const metadata = { name, ...(namespace === "" ? {} : { namespace }), ...version };
  return new TextEncoder().encode(
    JSON.stringify({ apiVersion, kind, metadata, data: "x".repeat(padding) }),
  );
}

/** The version in an importer's value; undefined if an apiserver wrote it. */
export function versionIn(value: Uint8Array): Version | undefined {
  const text = new TextDecoder().decode(value);
  const uid = /"uid":"([^"]*)"/.exec(text)?.[1];
  const resourceVersion = /"resourceVersion":"([^"]*)"/.exec(text)?.[1];
  if (!text.endsWith("}") || uid === undefined || resourceVersion === undefined) return undefined;
  return { uid, resourceVersion };
}

function resource(
  gvr: string,
  apiVersion: string,
  kind: string,
  keyPrefix: string,
  namespaced: boolean,
): Resource {
  return { gvr, older: gvr.split(".")[0] ?? gvr, apiVersion, kind, keyPrefix, namespaced };
}
