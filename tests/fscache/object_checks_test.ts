import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { cacheTest, objectAt } from "./_cache.ts";

/** A file, what it says, and why it is invalid. */
type Row = [path: string, change: Record<string, unknown> | string, reason: RegExp];

const SECRET = "k/secrets.v1.core/default/a";
const ROLE = "k/clusterroles.v1.rbac.authorization.k8s.io";
const POD = "k/pods.v1.core/default/a";

/** What no apiserver could read, by what is wrong with it. */
const REFUSED: Readonly<Record<string, readonly Row[]>> = {
  "another kind": [
    [SECRET, { kind: "Pod" }, /kind is Pod, not Secret/],
    [SECRET, { kind: "secret" }, /kind is secret, not Secret/],
    [POD, { kind: "PodList", items: [] }, /kind is PodList, not Pod/],
    [POD, { kind: "Status" }, /kind is Status, not Pod/],
    ["k/deployments.v1.apps/default/a", { kind: "Scale" }, /kind is Scale, not Deployment/],
    ["k/pods/default/a", { kind: "Secret", apiVersion: "v1" }, /kind is Secret, not Pod/],
    ["k/events.v1.events.k8s.io/default/a", { kind: "Events" }, /kind is Events, not Event/],
  ],
  "an answer about objects": [
    [POD, { kind: "Table", apiVersion: "meta.k8s.io/v1" }, /apiVersion/],
    ["k/pods/default/a", { kind: "Table", apiVersion: "meta.k8s.io/v1" }, /is of meta\.k8s\.io/],
    [
      "k/pods/default/a",
      { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" },
      /is of meta\.k8s\.io/,
    ],
  ],
  "another scope": [
    [`${ROLE}/x/view`, {}, /clusterroles are in none/],
    ["k/pods.v1.core/a", {}, /has no metadata\.namespace/],
    ["k/nodes/x/a", { apiVersion: "v1" }, /nodes are in none/],
  ],
  "a version that nobody reads": [
    ["k/horizontalpodautoscalers.v2beta2.autoscaling/default/a", {}, /no Kubernetes since 1\.28/],
    ["k/ingresses.v1beta1.extensions/default/a", {}, /no Kubernetes since 1\.28/],
    ["k/poddisruptionbudgets.v1beta1.policy/default/a", {}, /no Kubernetes since 1\.28/],
    ["k/ingresses/default/a", { apiVersion: "extensions/v1beta1" }, /no Kubernetes since 1\.28/],
    ["k/pods.v2.core/default/a", {}, /no Kubernetes since 1\.28/],
  ],
  "no resource at all": [
    ["k/secrets.v1.apps/default/a", { kind: "Secret" }, /has no secrets in apps/],
    ["k/minions.v1.core/a", { kind: "Node" }, /has no minions in the core group/],
    ["k/pods/default/a", { apiVersion: "apps/v1", kind: "Pod" }, /has no pods in apps/],
  ],
  "a name that Kubernetes refuses": [
    ["k/pods.v1.core/default/ ", {}, /metadata\.name/],
    ["k/pods.v1.core/De_fault/a", {}, /metadata\.namespace/],
    ["k/sensors.v1.example.com/default/a:b", {}, /metadata\.name/],
  ],
  "what Go reads otherwise": [
    [POD, '{"kind":"Secret",REST', /twice in its top level/],
    [POD, 'REST,"metadata":{"name":"b"}}', /twice in its top level/],
    [POD, '{"Kind":"Secret",REST', /in other letters/],
    [POD, 'REST,"apiVersion":null}', /twice in its top level/],
    [POD, `{"spec":${"[".repeat(10_000)}${"]".repeat(10_000)},REST`, /nested deeper/],
  ],
};

for (const [what, rows] of Object.entries(REFUSED)) {
  cacheTest(`scan() lists as invalid, and keeps the key of: ${what}`, async (cache) => {
    for (const [path, change, reason] of rows) {
      const sound = objectAt(path);
      const inner = JSON.stringify(sound).slice(1, -1);
      cache.write(
        path,
        typeof change === "string"
          ? change.startsWith("REST") ? change.replace("REST", `{${inner}`) : change.replace(
            "REST",
            `${inner}}`,
          )
          : JSON.stringify({ ...sound, ...change }),
      );
      const snapshot = await cache.scan();
      deepStrictEqual(snapshot.invalid.map((one) => one.path), [path], String(change).slice(0, 99));
      match(snapshot.invalid[0]?.reason ?? "", reason);
      strictEqual(snapshot.absence(path), "kept");
      strictEqual(snapshot.files.size, 0);
      cache.remove("k");
    }
  });
}

cacheTest("scan() takes whatever some apiserver can read", async (cache) => {
  const paths = [
    `${ROLE}/system:node`,
    "k/horizontalpodautoscalers.v1.autoscaling/default/a",
    "k/horizontalpodautoscalers.v2.autoscaling/default/a",
    "k/flowschemas.v1beta3.flowcontrol.apiserver.k8s.io/a",
    "k/resourceslices.v1alpha3.resource.k8s.io/a",
    "k/events.v1.core/default/a",
    "k/events.v1.events.k8s.io/default/a",
    "k/sensors.v1.example.com/default/a",
    "k/pods.v1beta1.metrics.k8s.io/default/a",
  ];
  for (const path of paths) cache.put(path);
  cache.put("k/evictions/default/a", {}, "lifecycle.k8s.io/v1alpha1");
  const { files, invalid } = await cache.scan();
  deepStrictEqual(invalid, []);
  deepStrictEqual([...files.keys()].toSorted(), [...paths, "k/evictions/default/a"].toSorted());
});

cacheTest("scan() passes over an Event that was made while the cloud was away", async (cache) => {
  const outage = { resourceVersion: undefined, uid: undefined };
  const paths = ["kubelet/events.v1.core/d/a", "kubelet/events.v1.events.k8s.io/d/a"];
  for (const path of paths) cache.put(path, outage);
  cache.put("kubelet/events/d/a", outage, "v1");
  const snapshot = await cache.scan();
  deepStrictEqual([snapshot.invalid, snapshot.files.size], [[], 0]);
  // One that was imported is there still.
  for (const path of paths) strictEqual(snapshot.absence(path), "kept");

  cache.put("kubelet/events.v1.core/d/uid", { resourceVersion: undefined });
  cache.put("kubelet/pods.v1.core/d/a", outage);
  cache.write(
    "kubelet/events.v1.core/d/kind",
    JSON.stringify({ ...objectAt("kubelet/events.v1.core/d/kind", outage), kind: "Pod" }),
  );
  const { invalid } = await cache.scan();
  deepStrictEqual(invalid.map(({ path }) => path).toSorted(), [
    "kubelet/events.v1.core/d/kind",
    "kubelet/events.v1.core/d/uid",
    "kubelet/pods.v1.core/d/a",
  ]);
});

cacheTest(
  "scan() takes the namespace of another group's `namespaces` from the object",
  async (cache) => {
    cache.put("k/namespaces.v1.example.com/a", { namespace: "shop" });
    cache.put("old/namespaces/a", { namespace: "shop" }, "example.com/v1");
    cache.mkdir("k/namespaces.v1.example.com/shop");
    cache.put("k/namespaces.v1.core/a", { namespace: "a" });
    const { files, invalid } = await cache.scan();
    for (const path of ["k/namespaces.v1.example.com/a", "old/namespaces/a"]) {
      strictEqual(files.get(path)?.namespace, "shop");
    }
    deepStrictEqual(invalid.map(({ path }) => path).toSorted(), [
      "k/namespaces.v1.core/a",
      "k/namespaces.v1.example.com/shop",
    ]);
  },
);
