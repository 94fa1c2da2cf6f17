import { strictEqual } from "node:assert/strict";
import { hasSecretKeys, isSecretKey, parseGvr } from "../../lib/k8s/mod.ts";

Deno.test("isSecretKey() goes by what an apiserver reads as a core Secret's, below its own prefix", () => {
  for (
    const [key, expected] of [
      ["/registry/secrets/default/s", true],
      ["/registry/secrets/", true],
      ["/registry/secretsauce/default/s", false],
      ["/registry/example.com/secrets/default/s", false],
      ["/registry/configmaps/secrets/s", false],
      ["/other/secrets/default/s", false],
      ["/secrets/default/s", false],
    ] as const
  ) {
    strictEqual(isSecretKey("/registry", key), expected, key);
  }
  strictEqual(isSecretKey("/a/b", "/a/b/secrets/x"), true);
});

Deno.test("hasSecretKeys() tells core Secrets in any version from all else of that name", () => {
  for (
    const [text, expected] of [
      ["secrets.v1.core", true],
      ["secrets.v2.core", true],
      ["secrets.v1beta1.core", true],
      ["secrets.v1.apps", false],
      ["secrets.v1.example.com", false],
      ["configmaps.v1.core", false],
    ] as const
  ) {
    const gvr = parseGvr(text);
    strictEqual(gvr !== undefined && hasSecretKeys(gvr), expected, text);
  }
});
