import assert from "node:assert/strict";
import fc from "fast-check";
import { isObjectName, nameInKey, objectKey, parseGvr, resourcePrefix } from "../../lib/k8s/mod.ts";
import { BUILTIN_GROUPS, customGroup, gvr, label, objectName } from "./_arbitraries.ts";

function keyOf(text: string, namespace: string, name: string, prefix = "/registry"): string {
  const value = parseGvr(text);
  assert.ok(value, text);
  return objectKey(prefix, value, { namespace, name });
}

Deno.test("objectKey() puts each object where kube-apiserver looks for it", () => {
  const rows: [gvr: string, namespace: string, name: string, key: string][] = [
    ["pods.v1.core", "default", "web-0", "/registry/pods/default/web-0"],
    ["namespaces.v1.core", "", "kube-system", "/registry/namespaces/kube-system"],
    ["persistentvolumes.v1.core", "", "pv", "/registry/persistentvolumes/pv"],
    ["replicationcontrollers.v1.core", "d", "rc", "/registry/controllers/d/rc"],
    ["endpoints.v1.core", "d", "kubernetes", "/registry/services/endpoints/d/kubernetes"],
    ["services.v1.core", "d", "kubernetes", "/registry/services/specs/d/kubernetes"],
    ["nodes.v1.core", "", "edge-1", "/registry/minions/edge-1"],
    ["events.v1.core", "d", "e.1", "/registry/events/d/e.1"],
    ["events.v1.events.k8s.io", "d", "e.1", "/registry/events/d/e.1"],
    ["ingresses.v1.networking.k8s.io", "d", "i", "/registry/ingress/d/i"],
    ["ingresses.v1beta1.extensions", "d", "i", "/registry/ingress/d/i"],
    ["podsecuritypolicies.v1beta1.policy", "", "p", "/registry/podsecuritypolicy/p"],
    ["podsecuritypolicies.v1beta1.extensions", "", "p", "/registry/podsecuritypolicy/p"],
    ["deployments.v1.apps", "d", "web", "/registry/deployments/d/web"],
    ["leases.v1.coordination.k8s.io", "kube-node-lease", "n", "/registry/leases/kube-node-lease/n"],
    ["endpointslices.v1.discovery.k8s.io", "d", "s", "/registry/endpointslices/d/s"],
    ["clusterroles.v1.rbac.authorization.k8s.io", "", "a:b", "/registry/clusterroles/a:b"],
    ["horizontalpodautoscalers.v1.autoscaling", "d", "h", "/registry/horizontalpodautoscalers/d/h"],
    ["horizontalpodautoscalers.v2.autoscaling", "d", "h", "/registry/horizontalpodautoscalers/d/h"],
    [
      "customresourcedefinitions.v1.apiextensions.k8s.io",
      "",
      "x.y.z",
      "/registry/apiextensions.k8s.io/customresourcedefinitions/x.y.z",
    ],
    [
      "apiservices.v1.apiregistration.k8s.io",
      "",
      "v1.apps",
      "/registry/apiregistration.k8s.io/apiservices/v1.apps",
    ],
    [
      "nodepools.v1beta1.apps.openyurt.io",
      "",
      "pool",
      "/registry/apps.openyurt.io/nodepools/pool",
    ],
    // A custom group's resources are never overridden, whatever they are called.
    ["services.v1.serving.knative.dev", "d", "s", "/registry/serving.knative.dev/services/d/s"],
    ["nodes.v1.metrics.k8s.io", "", "n", "/registry/metrics.k8s.io/nodes/n"],
  ];
  for (const [text, namespace, name, key] of rows) assert.equal(keyOf(text, namespace, name), key);
  assert.equal(keyOf("pods.v1.core", "d", "a", "/pool-a/registry"), "/pool-a/registry/pods/d/a");
});

Deno.test("resourcePrefix() leaves out every built-in group and no other", () => {
  for (const group of BUILTIN_GROUPS) {
    assert.equal(resourcePrefix("/p", { group, version: "v1", resource: "things" }), "/p/things/");
  }
  fc.assert(fc.property(
    customGroup.filter((group) => !BUILTIN_GROUPS.includes(group)),
    label,
    (group, resource) => {
      const prefix = resourcePrefix("/p", { group, version: "v1", resource });
      assert.equal(prefix, `/p/${group}/${resource}/`);
    },
  ));
});

Deno.test("objectKey() and nameInKey() are inverse for every gvr", () => {
  const prefix = fc.constantFrom("/registry", "/a/b/c", "/registry/pods");
  fc.assert(fc.property(prefix, gvr, objectName, (base, resource, object) => {
    const key = objectKey(base, resource, object);
    assert.deepEqual(nameInKey(base, resource, key), object);
    const { namespace, name } = object;
    assert.equal(key.endsWith(namespace === "" ? `/${name}` : `/${namespace}/${name}`), true);
  }));
});

Deno.test("nameInKey() refuses keys of other resources and keys that name no object", () => {
  const pods = { group: "", version: "v1", resource: "pods" };
  for (
    const key of [
      "/registry/pods",
      "/registry/pods/",
      "/registry/pods//",
      "/registry/pods//a",
      "/registry/pods/a/",
      "/registry/pods/a/b/c",
      "/registry/podsx/a/b",
      "/other/pods/a/b",
      "registry/pods/a/b",
    ]
  ) assert.equal(nameInKey("/registry", pods, key), undefined, key);
});

Deno.test("nameInKey() reads the key that a resource had before its path was known to differ", () => {
  const rows: [gvr: string, key: string, name: string][] = [
    ["nodes.v1.core", "/registry/nodes/edge-1", "edge-1"],
    ["ingresses.v1.networking.k8s.io", "/registry/ingresses/shop/web", "web"],
    ["runtimeclasses.v1.node.k8s.io", "/registry/node.k8s.io/runtimeclasses/runc", "runc"],
  ];
  for (const [text, key, name] of rows) {
    const value = parseGvr(text);
    assert.ok(value, text);
    assert.equal(nameInKey("/registry", value, key)?.name, name, key);
  }
  const widgets = { group: "example.com", version: "v1", resource: "widgets" };
  assert.equal(nameInKey("/registry", widgets, "/registry/widgets/shop/a"), undefined);
});

/** Real resources and their scope; those of one line are stored as one (docs/formats.md). */
const STORED: [scope: "namespaced" | "cluster", ...gvrs: string[]][] = [
  ["namespaced", "pods.v1.core"],
  ["namespaced", "services.v1.core"],
  ["namespaced", "endpoints.v1.core"],
  ["namespaced", "replicationcontrollers.v1.core"],
  ["cluster", "nodes.v1.core"],
  ["cluster", "namespaces.v1.core"],
  ["namespaced", "configmaps.v1.core"],
  ["namespaced", "events.v1.core", "events.v1.events.k8s.io", "events.v1beta1.events.k8s.io"],
  ["namespaced", "deployments.v1.apps", "deployments.v1beta1.extensions"],
  ["namespaced", "replicasets.v1.apps"],
  ["namespaced", "ingresses.v1.networking.k8s.io", "ingresses.v1beta1.extensions"],
  ["cluster", "podsecuritypolicies.v1beta1.policy", "podsecuritypolicies.v1beta1.extensions"],
  [
    "namespaced",
    "horizontalpodautoscalers.v1.autoscaling",
    "horizontalpodautoscalers.v2.autoscaling",
  ],
  ["namespaced", "endpointslices.v1.discovery.k8s.io", "endpointslices.v1beta1.discovery.k8s.io"],
  ["cluster", "customresourcedefinitions.v1.apiextensions.k8s.io"],
  ["cluster", "apiservices.v1.apiregistration.k8s.io"],
  ["namespaced", "pods.v1beta1.metrics.k8s.io"],
  ["cluster", "nodes.v1beta1.metrics.k8s.io"],
  ["namespaced", "services.v1.serving.knative.dev"],
  ["namespaced", "ingresses.v1alpha1.networking.internal.knative.dev"],
];

Deno.test("objectKey() gives two objects one key if and only if they are stored as one", () => {
  const object = fc.nat(STORED.length - 1).chain((line) => {
    const [scope = "cluster", ...gvrs] = STORED[line] ?? [];
    // Few and nasty names, so that two objects often agree in all but the resource.
    const name = fc.constantFrom("a", "specs", "endpoints", "pods", "core", "v1");
    return fc.record({
      line: fc.constant(line),
      gvr: fc.constantFrom(...gvrs),
      namespace: scope === "cluster" ? fc.constant("") : name,
      name,
    });
  });
  fc.assert(
    fc.property(object, object, (a, b) => {
      const same = a.line === b.line && a.namespace === b.namespace && a.name === b.name;
      const keys = [a, b].map(({ gvr, namespace, name }) => keyOf(gvr, namespace, name));
      assert.equal(keys[0] === keys[1], same, keys.join(" "));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("isObjectName() refuses half of a surrogate pair, which would name another key in etcd", () => {
  for (const name of ["\ud800", "a\udc00", "\udc00\ud800b"]) {
    assert.equal(isObjectName({ namespace: "", name }), false);
    assert.equal(isObjectName({ namespace: name, name: "a" }), false);
  }
  assert.equal(isObjectName({ namespace: "", name: "\u{1f600}" }), true);
});
