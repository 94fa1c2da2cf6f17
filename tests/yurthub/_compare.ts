import type { Etcd3 } from "etcd3";

/** How a cache and a pool's etcd differ; each entry is an object key. */
export interface Difference {
  /** Files hold it, etcd does not. */
  readonly missing: readonly string[];
  /** etcd holds it, no file does. */
  readonly leftOver: readonly string[];
  /** etcd's bytes are those of no file that holds it with the newest resourceVersion. */
  readonly otherBytes: readonly string[];
  /** Backups that stand, by path. */
  readonly backups: readonly string[];
  /** Keys that files hold. */
  readonly wanted: number;
}

/** Where kube-apiserver keeps what the clients of this test ask for, one by one. */
const STORED_AT: Readonly<Record<string, string>> = {
  "configmaps.v1.core": "/registry/configmaps",
  "csidrivers.v1.storage.k8s.io": "/registry/csidrivers",
  "endpointslices.v1.discovery.k8s.io": "/registry/endpointslices",
  "events.v1.core": "/registry/events",
  "leases.v1.coordination.k8s.io": "/registry/leases",
  "namespaces.v1.core": "/registry/namespaces",
  "nodebuckets.v1beta2.apps.openyurt.io": "/registry/apps.openyurt.io/nodebuckets",
  "nodepools.v1beta2.apps.openyurt.io": "/registry/apps.openyurt.io/nodepools",
  "nodes.v1.core": "/registry/minions",
  "pods.v1.core": "/registry/pods",
  "runtimeclasses.v1.node.k8s.io": "/registry/runtimeclasses",
  "sensors.v1.devices.example.com": "/registry/devices.example.com/sensors",
  "services.v1.core": "/registry/services/specs",
};
/** Metadata alone, and yurthub's notes to itself: never imported; Secrets: not by default. */
const NOT_IMPORTED =
  /^(_internal\/|[^/]+\/(partialobjectmetadatas\.v1\.meta\.k8s\.io|secrets\.v1\.core)\/)/;

interface Held {
  readonly version: bigint;
  readonly text: string;
}

/**
 * Holds a cache against a pool's etcd, by a table of its own.
 *
 * @param cacheDir the cache root
 * @param etcd the pool's
 * @throws Error for a directory that this test does not know: it would be left out unseen
 */
export async function compare(cacheDir: string, etcd: Etcd3): Promise<Difference> {
  const backups: string[] = [];
  const wanted = new Map<string, Held[]>();
  for (const path of filesBelow(cacheDir, "")) {
    const segments = path.split("/");
    if (segments.length < 3 || NOT_IMPORTED.test(path)) continue;
    if (segments.some((segment) => segment.startsWith("tmp_"))) {
      backups.push(path);
      continue;
    }
    const [, directory = "", ...names] = segments;
    const prefix = STORED_AT[directory];
    if (prefix === undefined) throw new Error(`no table entry for ${path}`);
    const text = Deno.readTextFileSync(`${cacheDir}/${path}`);
    const { metadata } = JSON.parse(text) as { metadata: { resourceVersion?: string } };
    // An Event that was made while the cloud was away never got one, and is not imported.
    if (metadata.resourceVersion === undefined && directory === "events.v1.core") continue;
    const key = `${prefix}/${names.join("/")}`;
    const held = { version: BigInt(metadata.resourceVersion ?? 0), text };
    wanted.set(key, [...wanted.get(key) ?? [], held]);
  }
  const stored = await etcd.getAll().prefix("/registry/").strings();
  return {
    missing: [...wanted.keys()].filter((key) => stored[key] === undefined),
    leftOver: Object.keys(stored).filter((key) => !wanted.has(key)),
    otherBytes: [...wanted].filter(([key, held]) => {
      const value = stored[key];
      return value !== undefined && !newestOf(held).some(({ text }) => text === value);
    }).map(([key]) => key),
    backups,
    wanted: wanted.size,
  };
}

function newestOf(held: readonly Held[]): readonly Held[] {
  const newest = held.reduce((most, { version }) => version > most ? version : most, 0n);
  return held.filter(({ version }) => version === newest);
}

/** Files below a directory; one that goes while it is looked at counts as gone. */
function* filesBelow(root: string, directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(`${root}/${directory}`)) {
    const path = directory === "" ? name : `${directory}/${name}`;
    if (isDirectory) yield* filesBelow(root, path);
    else yield path;
  }
}
