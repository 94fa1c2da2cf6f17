import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  builtinResource,
  builtinResources,
  isBuiltinGroup,
  nameInKey,
  parseGvr,
  resourcePrefix,
} from "../../lib/k8s/mod.ts";

Deno.test("builtinResources() are the 76 of Kubernetes 1.28 to 1.38, each well formed", () => {
  const all = builtinResources();
  strictEqual(all.length, 76);
  for (const { group, resource } of all) {
    const found = builtinResource(group, resource);
    match(found?.kind ?? "", /^[A-Z][A-Za-z]+$/, resource);
    for (const version of found?.versions ?? []) {
      const text = `${resource}.${version}.${group === "" ? "core" : group}`;
      deepStrictEqual(parseGvr(text), { group, version, resource });
    }
    strictEqual(isBuiltinGroup(group), true);
  }
});

Deno.test("builtinResource() knows kind, scope, versions and key path of a resource", () => {
  deepStrictEqual(builtinResource("", "nodes"), {
    kind: "Node",
    namespaced: false,
    versions: new Set(["v1"]),
    path: "minions",
  });
  deepStrictEqual(builtinResource("autoscaling", "horizontalpodautoscalers"), {
    kind: "HorizontalPodAutoscaler",
    namespaced: true,
    versions: new Set(["v1", "v2"]),
    path: "horizontalpodautoscalers",
  });
  // Built in since 1.37.
  strictEqual(builtinResource("lifecycle.k8s.io", "evictions")?.kind, "Eviction");
  for (
    const [group, resource] of [
      ["apps", "secrets"],
      ["", "minions"],
      ["", "toString"],
      ["devices.example.com", "sensors"],
      ["constructor", "name"],
    ] as const
  ) strictEqual(builtinResource(group, resource), undefined);
});

Deno.test("resourcePrefix() gives no two built-in resources one key, but those that are one", () => {
  const seen = new Map<string, string>();
  const shared: string[] = [];
  for (const { group, resource } of builtinResources()) {
    const prefix = resourcePrefix("/registry", { group, version: "v1", resource });
    const other = seen.get(prefix);
    if (other !== undefined) shared.push(`${other}, ${resource}.${group}`);
    seen.set(prefix, `${resource}.${group}`);
  }
  deepStrictEqual(shared, ["events., events.events.k8s.io"]);
});

Deno.test("nameInKey() reads keys of the time when a group was not known to be built in", () => {
  const evictions = { group: "lifecycle.k8s.io", version: "v1alpha1", resource: "evictions" };
  for (const base of ["/registry/evictions", "/registry/lifecycle.k8s.io/evictions"]) {
    deepStrictEqual(nameInKey("/registry", evictions, `${base}/shop/a`), {
      namespace: "shop",
      name: "a",
    });
  }
});
