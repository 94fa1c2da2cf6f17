import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { componentRemains } from "../../lib/fscache/mod.ts";

Deno.test("componentRemains() tells a directory that is gone, one without a file, and one with files", () => {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-remains-" });
  const kinds = (...components: string[]) =>
    components.map((component) => componentRemains(root, component)?.kind);
  try {
    Deno.mkdirSync(`${root}/empty`);
    Deno.mkdirSync(`${root}/hollow/pods.v1.core/default`, { recursive: true });
    Deno.mkdirSync(`${root}/filled/pods.v1.core/default`, { recursive: true });
    Deno.writeTextFileSync(`${root}/filled/pods.v1.core/default/a`, "");
    Deno.writeTextFileSync(`${root}/file`, "");
    deepStrictEqual(kinds("none", "file", "file/below"), ["gone", "gone", "gone"]);
    deepStrictEqual(kinds("empty", "hollow", "filled"), ["empty", "empty", "filled"]);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("componentRemains() says nothing of more directories than it looks into, not that there are files", () => {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-remains-" });
  try {
    for (let at = 0; at < 1_000; at++) {
      Deno.mkdirSync(`${root}/c/pods.v1.core/n${at}`, { recursive: true });
    }
    strictEqual(componentRemains(root, "c"), undefined);
    Deno.removeSync(`${root}/c/pods.v1.core/n0`);
    Deno.removeSync(`${root}/c/pods.v1.core/n1`);
    strictEqual(componentRemains(root, "c")?.kind, "empty");
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
