import assert from "node:assert/strict";
import fc from "fast-check";
import {
  canonicalName,
  formatPath,
  isBackup,
  parseDirectory,
  parsePath,
} from "../../lib/fscache/layout.ts";
import { isSegment } from "../../lib/k8s/mod.ts";

Deno.test("parsePath() takes namespaced and cluster-scoped paths of both layouts apart", () => {
  const rows: [string, string, string, string, string][] = [
    ["kubelet/pods.v1.core/default/web", "kubelet", "pods.v1.core", "default", "web"],
    ["kubelet/nodes.v1.core/edge-1", "kubelet", "nodes.v1.core", "", "edge-1"],
    ["kubelet/namespaces.v1.core/default", "kubelet", "namespaces.v1.core", "", "default"],
    ["kubelet/pods/default/web", "kubelet", "pods", "default", "web"],
    ["kubelet/namespaces/default", "kubelet", "namespaces", "", "default"],
    [
      "a:b/roles.v1.rbac.authorization.k8s.io/x/system:node",
      "a:b",
      "roles.v1.rbac.authorization.k8s.io",
      "x",
      "system:node",
    ],
    ["k/namespaces.v1.example.com/b", "k", "namespaces.v1.example.com", "", "b"],
  ];
  for (const [path, component, directory, namespace, name] of rows) {
    assert.deepEqual(parsePath(path), { component, directory, namespace, name }, path);
  }
});

Deno.test("parsePath() refuses where no object can stand", () => {
  for (
    const path of [
      "",
      "version",
      "kubelet",
      "kubelet/pods.v1.core",
      "kubelet/pods.v1.core/",
      "kubelet/pods.v1.core//web",
      "/pods.v1.core/default/web",
      "kubelet/pods.v1.core/default/web/more",
      "kubelet/pods.v1.core/../web",
      "kubelet/pods.v1.core/default/.",
      "kubelet/pods.v1.core/default/a%2fb",
      "kubelet/pods.v1.core/default/a\0b",
      "kubelet/pods.v1.core/default/a\uFFFDb",
      "kubelet/pods.v1.core/default/a\uD800b",
      "kubelet/pods.v1.core/\uDC00/web",
      "kubelet\uD83D/pods.v1.core/default/web",
      "kubelet/pods.v1/default/web",
      "kubelet/Pods/default/web",
      "kubelet/namespaces.v1.core/default/default",
      "kubelet/namespaces/default/default",
      "kubelet/namespaces.v1.example.com/default/a",
      "kubelet/partialobjectmetadatas.v1.meta.k8s.io/default/web",
      "_internal/restmapper/cache-crd-restmapper.conf",
      "kubelet/tmp_pods.v1.core/default/web",
      "kubelet/pods.v1.core/tmp_default/web",
      "kubelet/pods.v1.core/default/tmp_web",
      "tmp_kubelet/pods.v1.core/default/web",
    ]
  ) assert.equal(parsePath(path), undefined, path);
});

const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  .filter((text) => isSegment(text) && !isBackup(text));
const directory = fc.constantFrom("pods.v1.core", "pods", "leases.v1.coordination.k8s.io");

Deno.test("parsePath() and formatPath() undo each other", () => {
  const parts = fc.record({
    component: segment.filter((text) => text !== "_internal"),
    directory,
    namespace: fc.option(segment, { nil: "" }),
    name: segment,
  });
  fc.assert(
    fc.property(parts, (parts) => assert.deepEqual(parsePath(formatPath(parts)), { ...parts })),
  );
  const path = fc.array(fc.oneof(segment, directory, fc.string()), { maxLength: 5 })
    .map((segments) => segments.join("/"));
  fc.assert(fc.property(path, (path) => {
    const parsed = parsePath(path);
    if (parsed !== undefined) assert.equal(formatPath(parsed), path);
  }));
});

Deno.test("formatPath() leaves the namespace out where yurthub does, and only there", () => {
  const rows: [directory: string, namespace: string, path: string][] = [
    ["namespaces.v1.example.com", "shop", "k/namespaces.v1.example.com/a"],
    ["namespaces.v1.example.com", "", "k/namespaces.v1.example.com/a"],
    ["namespaces", "shop", "k/namespaces/a"],
    // No file stands for a core Namespace that is in one.
    ["namespaces.v1.core", "a", "k/namespaces.v1.core/a/a"],
    ["namespacesets.v1.example.com", "shop", "k/namespacesets.v1.example.com/shop/a"],
  ];
  for (const [directory, namespace, path] of rows) {
    assert.equal(formatPath({ component: "k", directory, namespace, name: "a" }), path);
  }
});

Deno.test("parseDirectory() tells the layouts apart and knows Namespaces", () => {
  assert.deepEqual(parseDirectory("pods.v1.core"), {
    resource: "pods",
    gvr: { group: "", version: "v1", resource: "pods" },
    mayHoldNamespaces: true,
  });
  assert.deepEqual(parseDirectory("namespaces"), {
    resource: "namespaces",
    gvr: undefined,
    mayHoldNamespaces: false,
  });
  assert.equal(parseDirectory("pods.v1"), undefined);
});

Deno.test("canonicalName() takes off every tmp_", () => {
  assert.equal(canonicalName("web"), "web");
  assert.equal(canonicalName("tmp_web"), "web");
  assert.equal(canonicalName("tmp_tmp_web"), "web");
  assert.equal(canonicalName("tmp_"), "");
  assert.equal(canonicalName("atmp_"), "atmp_");
});
