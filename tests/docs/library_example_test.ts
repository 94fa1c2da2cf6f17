import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { cleanEnv } from "../support/edgekeyd_process.ts";
import { startEtcd } from "../support/etcd_server.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const README = Deno.readTextFileSync(`${ROOT}/README.md`);
const CONFIG = JSON.parse(Deno.readTextFileSync(`${ROOT}/deno.json`));

Deno.test("README: the library's example runs as printed, and prints what is said of it", async () => {
  const [, example = "", said = ""] =
    /```ts\n([^`]*EdgeStore[\s\S]*?)```\n\nIt prints `(.*?)`/.exec(README) ?? [];
  await using etcd = await startEtcd();
  const folder = Deno.makeTempDirSync({ prefix: "edgekeyd-example-" });
  try {
    const places = [
      ["@edgekeyd/edgekeyd", `${ROOT}/${CONFIG.exports["."]}`],
      ["/var/lib/my-agent", `${folder}/state`],
      ["http://127.0.0.1:2379", etcd.endpoint],
    ] as const;
    let program = example;
    for (const [from, to] of places) {
      ok(program.includes(from), from);
      program = program.replace(from, to);
    }
    Deno.writeTextFileSync(`${folder}/example.ts`, program);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--check", `--config=${ROOT}/deno.json`, `${folder}/example.ts`],
      clearEnv: true,
      env: { ...cleanEnv(), NO_COLOR: "1" },
    }).output();
    strictEqual(code, 0, new TextDecoder().decode(stderr));
    strictEqual(new TextDecoder().decode(stdout).trim(), said);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a package would hold lib, README and LICENSE, and every entry point is there", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--allow-slow-types", "--no-check"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stderr);
  strictEqual(code, 0, text);
  const files = [...text.matchAll(/^ +file:\/\/(\S+) \(/gm)].map(([, path = ""]) =>
    path.slice(ROOT.length)
  );
  ok(files.length > 100);
  const others = files.filter((path) => !path.startsWith("lib/")).sort();
  deepStrictEqual(others, ["LICENSE", "README.md", "deno.json"]);
  for (const path of Object.values<string>(CONFIG.exports)) {
    match(path, /^\.\/lib\//);
    ok(files.includes(path.slice(2)), path);
  }
});
