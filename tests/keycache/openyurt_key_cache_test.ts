import { deepStrictEqual, throws } from "node:assert/strict";
import { KeyCacheFileError, parseOpenyurtKeyCache } from "../../lib/keycache/mod.ts";

Deno.test("component-key-cache of OpenYurt: components, groups, names with colons", () => {
  const text = [
    "kubelet#_v1_pods:/registry/pods/default/a,/registry/pods/default/b;" +
    "rbac.authorization.k8s.io_v1_clusterroles:/registry/clusterroles/system:node",
    "kube-proxy#discovery.k8s.io_v1_endpointslices:",
    "raven-agent-ds#",
    "",
  ].join("\n");
  deepStrictEqual(parseOpenyurtKeyCache(text), [
    { component: "kubelet", gvr: "pods.v1.core", key: "/registry/pods/default/a" },
    { component: "kubelet", gvr: "pods.v1.core", key: "/registry/pods/default/b" },
    {
      component: "kubelet",
      gvr: "clusterroles.v1.rbac.authorization.k8s.io",
      key: "/registry/clusterroles/system:node",
    },
  ]);
  deepStrictEqual(parseOpenyurtKeyCache(""), []);
});

Deno.test("component-key-cache of OpenYurt: what is not one is refused, not guessed at", () => {
  for (
    const line of [
      "no hash",
      "#_v1_pods:/registry/pods/a/b",
      "kubelet#pods:/registry/pods/a/b",
      "kubelet#_v1_pods",
      "kubelet#_v1_Pods:/registry/pods/a/b",
      "kubelet#_v1_pods:registry/pods/a/b",
      "kubelet#a_b_c_d:/registry/c/a/b",
      '{"kubelet":[]}',
    ]
  ) {
    throws(
      () => parseOpenyurtKeyCache(`kubelet#_v1_pods:/registry/pods/a/b\n${line}`),
      (error) => error instanceof KeyCacheFileError && error.message.startsWith("line 2 "),
      line,
    );
  }
});
