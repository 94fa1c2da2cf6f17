import assert from "node:assert/strict";
import fc from "fast-check";
import { formatGvr, gvrOf, isResourceName, parseGvr } from "../../lib/k8s/mod.ts";
import { gvr } from "./_arbitraries.ts";

Deno.test("parseGvr() reads back every gvr that formatGvr() writes", () => {
  fc.assert(fc.property(gvr, (value) => {
    assert.deepEqual(parseGvr(formatGvr(value)), value);
  }));
});

Deno.test("formatGvr() writes back every text that parseGvr() accepts", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."abz09.-A_/") }), (text) => {
    const value = parseGvr(text);
    if (value !== undefined) assert.equal(formatGvr(value), text);
  }));
});

Deno.test("parseGvr() takes the core group as the empty string and dots only in the group", () => {
  assert.deepEqual(parseGvr("pods.v1.core"), { group: "", version: "v1", resource: "pods" });
  assert.deepEqual(parseGvr("roles.v1.rbac.authorization.k8s.io"), {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    resource: "roles",
  });
  assert.deepEqual(parseGvr("deployments.v1.apps"), {
    group: "apps",
    version: "v1",
    resource: "deployments",
  });
});

Deno.test("parseGvr() refuses what is not <resource>.<version>.<group>", () => {
  for (
    const text of [
      "",
      "pods",
      "pods.v1",
      "pods.v1.",
      "pods..core",
      ".v1.core",
      "Pods.v1.core",
      "pods.V1.core",
      "pods.1.core",
      "pods.v1.Core",
      "pods.v1.nodot",
      "pods.v1.a..b",
      "pods.v1.-a.b",
      "pods.v1.a.b-",
      "pods.v1.a_b.c",
      "pods.v1.core\n",
      "pods/x.v1.core",
      "po ds.v1.core",
      `${"p".repeat(64)}.v1.core`,
      `pods.${"v".repeat(64)}.core`,
      `pods.v1.${"a.".repeat(127)}`,
      `pods.v1.${"ab.".repeat(84)}ab`,
    ]
  ) assert.equal(parseGvr(text), undefined, text);
  // The longest that there can be.
  const group = `${"ab.".repeat(83)}abcd`;
  assert.equal(group.length, 253);
  assert.equal(parseGvr(`${"p".repeat(63)}.${"v".repeat(63)}.${group}`)?.group, group);
});

Deno.test("gvrOf() joins a resource with every apiVersion that names its group and version", () => {
  fc.assert(fc.property(gvr, (value) => {
    const apiVersion = value.group === "" ? value.version : `${value.group}/${value.version}`;
    assert.deepEqual(gvrOf(value.resource, apiVersion), value);
  }));
});

Deno.test("gvrOf() refuses an apiVersion that is not well formed", () => {
  for (
    const apiVersion of [
      "",
      "/v1",
      "apps/",
      "apps/v1/x",
      "core/v1",
      "nodot/v1",
      "apps/V1",
      "v1 ",
      "../v1",
    ]
  ) {
    assert.equal(gvrOf("pods", apiVersion), undefined, apiVersion);
  }
  assert.equal(gvrOf("Pods", "v1"), undefined);
  assert.equal(gvrOf("a.b", "v1"), undefined);
});

Deno.test("isResourceName() takes DNS-1035 labels of up to 63 characters and nothing else", () => {
  for (const name of ["p", "pods", "a-1", "p".repeat(63)]) assert.equal(isResourceName(name), true);
  for (const name of ["", "-a", "a-", "1a", "A", "a.b", "a/b", "a\n", "p".repeat(64)]) {
    assert.equal(isResourceName(name), false, name);
  }
});
