import assert from "node:assert/strict";
import fc from "fast-check";
import { EdgekeydError } from "../../lib/errors.ts";
import { formatPath, parsePath } from "../../lib/fscache/mod.ts";
import { parseOpenyurtKeyCache } from "../../lib/keycache/mod.ts";
import {
  formatGvr,
  gvrOf,
  nameInKey,
  objectKey,
  parseGvr,
  resourcePrefix,
} from "../../lib/k8s/mod.ts";
import { Prng } from "../sim/prng.ts";
import { HOSTILE_NAMES } from "./_names.ts";
import { runCases } from "./_seeds.ts";

const PREFIX = "/registry";
const segment = fc.oneof(
  fc.constantFrom(...HOSTILE_NAMES, "pods.v1.core", "pods", "a", ".", "..", ""),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  // Lone surrogates too.
  fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 8 }),
);
const directory = fc.oneof(fc.constantFrom("pods.v1.core", "pods", "namespaces"), segment);
const path = fc.oneof(
  fc.tuple(segment, directory, segment).map((segments) => segments.join("/")),
  fc.tuple(segment, directory, segment, segment).map((segments) => segments.join("/")),
  fc.array(segment, { maxLength: 6 }).map((segments) => segments.join("/")),
  fc.string({ unit: "binary", maxLength: 60 }),
);
const apiVersion = fc.oneof(
  fc.constantFrom("v1", "apps/v1", "example.com/v1", "core/v1", "/v1", "v1/", "a/b/c"),
  segment,
  fc.tuple(segment, segment).map(([group, version]) => `${group}/${version}`),
);

Deno.test("paths, gvrs and keys of random text: taken apart and put together the same, or refused", async () => {
  await runCases("paths", (seed) => {
    fc.assert(
      fc.property(path, directory, apiVersion, segment, (text, written, version, name) => {
        const parts = parsePath(text);
        if (parts) {
          assert.equal(formatPath(parts), text);
          for (const part of [parts.component, parts.name]) {
            assert.doesNotMatch(part, /^$|\/|^\.\.?$/);
          }
        }
        const gvr = parseGvr(written);
        if (gvr) assert.equal(formatGvr(gvr), written);
        const own = gvrOf(written, version);
        if (own) assert.deepEqual(parseGvr(formatGvr(own)), own);
        for (const known of [gvr, own]) {
          if (!known || name === "" || name.includes("/")) continue;
          const key = objectKey(PREFIX, known, { namespace: "", name });
          assert.ok(key.startsWith(`${PREFIX}/`) && key.startsWith(resourcePrefix(PREFIX, known)));
          assert.deepEqual(nameInKey(PREFIX, known, key), { namespace: "", name });
        }
      }),
      { seed, numRuns: 1 },
    );
  });
});

Deno.test("random files for import-key-cache: keys as they stand there, or one clear error", async () => {
  const line =
    "kubelet#_v1_pods:/registry/pods/default/a,/registry/pods/default/b;apps_v1_deployments:";
  await runCases("keyCacheFiles", (seed) => {
    const prng = new Prng(seed);
    let text = `${line}\nkube-proxy#_v1_services:/registry/services/specs/default/system:a\n`;
    for (let i = prng.between(0, 4); i > 0; i--) {
      const at = prng.below(text.length + 1);
      const what = prng.pick(["#", ":", ";", ",", "_", "\n", "\r", "\0", "/", "\ud800", "\ufeff"]);
      const more = prng.chance(0.5) ? what : prng.pick(HOSTILE_NAMES);
      text = text.slice(0, at) + more + text.slice(at + prng.below(4));
    }
    if (prng.chance(0.02)) text += ";".repeat(200_000);
    if (prng.chance(0.02)) text += `a#${"_".repeat(200_000)}:`;
    const startMs = performance.now();
    try {
      for (const { component, gvr, key } of parseOpenyurtKeyCache(text)) {
        assert.ok(component !== "" && parseGvr(gvr) !== undefined, JSON.stringify(text));
        assert.ok(key.startsWith("/") && text.includes(key), JSON.stringify(text));
      }
    } catch (error) {
      if (!(error instanceof EdgekeydError)) throw error;
      assert.doesNotMatch(error.message, /\n/);
    }
    assert.ok(performance.now() - startMs < 20_000, "not in time for its size");
  });
});
