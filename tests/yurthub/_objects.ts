import { NODE } from "./_hub.ts";

/** An object that the cloud is given, and the collection that it goes to. */
export interface CloudObject {
  readonly collection: string;
  readonly name: string;
  readonly object: object;
}

const IN_SHOP = "namespaces/shop";

/** Kinds that come, change and go while the clients watch them. */
export const BUSY_KINDS = {
  pods: (name: string) =>
    made(`/api/v1/${IN_SHOP}/pods`, "v1", "Pod", name, {
      spec: { nodeName: NODE, containers: [{ name: "c", image: "nginx", env: [ODD_TEXT] }] },
    }),
  services: (name: string) =>
    made(`/api/v1/${IN_SHOP}/services`, "v1", "Service", name, {
      spec: { ports: [{ port: 80 }], selector: { app: "web" } },
    }),
  endpointslices: (name: string) =>
    made(
      `/apis/discovery.k8s.io/v1/${IN_SHOP}/endpointslices`,
      "discovery.k8s.io/v1",
      "EndpointSlice",
      name,
      {
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.1.2.3"], nodeName: NODE, conditions: { ready: true } }],
        ports: [{ port: 80 }],
      },
    ),
  sensors: (name: string) =>
    made(
      `/apis/devices.example.com/v1/${IN_SHOP}/sensors`,
      "devices.example.com/v1",
      "Sensor",
      name,
      // Beyond what a JavaScript number holds: bytes must pass through unchanged.
      { spec: { limit: 2 ** 53, ratio: 1.5 } },
    ),
  nodes: (name: string) =>
    made("/api/v1/nodes", "v1", "Node", name, {}, {
      labels: { "openyurt.io/is-edge-worker": "true" },
    }),
};

/** What the cloud holds before any client asks, in order. */
export function firstObjects(): CloudObject[] {
  const one = (collection: string, apiVersion: string, kind: string, name: string, rest: object) =>
    made(collection, apiVersion, kind, name, rest);
  return [
    ...["shop", "kube-node-lease"].map((name) =>
      one("/api/v1/namespaces", "v1", "Namespace", name, {})
    ),
    definition("devices.example.com", "Namespaced", "sensors", "Sensor", "v1"),
    // yurthub looks at these two by itself.
    definition("apps.openyurt.io", "Cluster", "nodepools", "NodePool", "v1beta2"),
    definition("apps.openyurt.io", "Cluster", "nodebuckets", "NodeBucket", "v1beta2"),
    BUSY_KINDS.nodes(NODE),
    BUSY_KINDS.nodes("edge-2"),
    ...[0, 1, 2].flatMap((n) => [
      BUSY_KINDS.pods(`web-${n}`),
      BUSY_KINDS.services(`web-${n}`),
      BUSY_KINDS.endpointslices(`web-${n}-abc`),
    ]),
    one(`/api/v1/${IN_SHOP}/configmaps`, "v1", "ConfigMap", "web-config", { data: { a: "b" } }),
    one("/apis/node.k8s.io/v1/runtimeclasses", "node.k8s.io/v1", "RuntimeClass", "runc", {
      handler: "runc",
    }),
    one(`/apis/apps/v1/${IN_SHOP}/deployments`, "apps/v1", "Deployment", "web", {
      spec: {
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "c", image: "nginx" }] },
        },
      },
    }),
  ];
}

/** What needs the definitions above to be served. */
export function customObjects(): CloudObject[] {
  return [
    made(
      "/apis/apps.openyurt.io/v1beta2/nodepools",
      "apps.openyurt.io/v1beta2",
      "NodePool",
      "pool1",
      {
        spec: { type: "Edge" },
      },
      { labels: { "openyurt.io/pool-name": "pool1" } },
    ),
    ...[0, 1, 2].map((n) => BUSY_KINDS.sensors(`sensor-${n}`)),
  ];
}

const ODD_TEXT = { name: "A", value: "ä<&>\u2028" };

function made(
  collection: string,
  apiVersion: string,
  kind: string,
  name: string,
  rest: object,
  metadata: object = {},
): CloudObject {
  return {
    collection,
    name,
    object: { apiVersion, kind, metadata: { name, ...metadata }, ...rest },
  };
}

function definition(
  group: string,
  scope: string,
  plural: string,
  kind: string,
  version: string,
): CloudObject {
  return made(
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    `${plural}.${group}`,
    {
      spec: {
        group,
        scope,
        names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
        versions: [{
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
          },
        }],
      },
    },
  );
}
