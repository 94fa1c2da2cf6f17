import assert from "node:assert/strict";
import fc from "fast-check";
import { compareVersionPriority } from "../../lib/k8s/mod.ts";
import { label } from "./_arbitraries.ts";

Deno.test("compareVersionPriority() orders as Kubernetes' documentation does", () => {
  const ordered = [
    "v10",
    "v2",
    "v1",
    "v11beta2",
    "v10beta3",
    "v3beta1",
    "v12alpha1",
    "v11alpha2",
    "foo1",
    "foo10",
  ];
  for (const seed of [1, 2, 3]) {
    const [shuffled] = fc.sample(fc.shuffledSubarray(ordered, { minLength: 10 }), {
      seed,
      numRuns: 1,
    });
    assert.deepEqual(shuffled?.toSorted(compareVersionPriority), ordered);
  }
});

Deno.test("compareVersionPriority() takes what only looks like a version for a word", () => {
  for (const word of ["v0", "v01", "v1gamma1", "v1beta", "v1beta0", "v1beta1x", "V1", "x1"]) {
    assert.equal(compareVersionPriority("v1alpha1", word), -1, word);
    assert.equal(compareVersionPriority(word, "v1alpha1"), 1, word);
  }
});

Deno.test("compareVersionPriority() is a total order", () => {
  const version = fc.oneof(
    label,
    fc.tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom("", "beta1", "beta2", "alpha1"))
      .map(([major, stage]) => `v${major}${stage}`),
  );
  fc.assert(fc.property(version, version, version, (a, b, c) => {
    const sign = (x: string, y: string) => Math.sign(compareVersionPriority(x, y));
    assert.equal(sign(a, b), 0 - sign(b, a));
    assert.equal(sign(a, b) === 0, a === b);
    if (sign(a, b) <= 0 && sign(b, c) <= 0) assert.ok(sign(a, c) <= 0);
  }));
});
