/** What `scripts/check_imports.ts` says of made-up trees. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { dirname, fromFileUrl } from "@std/path";

const CHECK = fromFileUrl(new URL("../../scripts/check_imports.ts", import.meta.url));

/** Runs the check on files, given by path and text: its exit status and the lines it printed. */
async function check(files: Readonly<Record<string, string>>) {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-imports-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      Deno.mkdirSync(dirname(`${root}/${path}`), { recursive: true });
      Deno.writeTextFileSync(`${root}/${path}`, text);
    }
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", CHECK, root],
    }).output();
    return {
      code,
      said: new TextDecoder().decode(stderr).split("\n").filter((line) => line !== ""),
    };
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

const ETCD = { "lib/etcd/mod.ts": "", "lib/etcd/connection.ts": "" };

Deno.test("check_imports takes what points down, through mod.ts, and lets all else import anything", async () => {
  deepStrictEqual(
    await check({
      ...ETCD,
      "deno.json": "{}",
      "lib/errors.ts": "",
      "lib/store/mod.ts": 'export * from "./apply.ts";',
      "lib/store/apply.ts": 'import "../etcd/mod.ts"; import "../errors.ts"; import "node:path";',
      "lib/agent/mod.ts": "",
      "lib/agent/agent.ts": 'import "./api/mod.ts";',
      "lib/agent/api/mod.ts": 'import "../log.ts"; import "../../store/mod.ts";',
      "lib/agent/log.ts": "",
      "lib/cli/version.ts": 'import "../../deno.json" with { type: "json" };',
      "lib/cli/main.ts": 'await import("../agent/api/mod.ts"); import type {} from "./version.ts";',
      "main.ts": 'import "./lib/store/apply.ts";',
      "tests/etcd_test.ts": 'import "../lib/etcd/connection.ts"; import "../main.ts";',
    }),
    { code: 0, said: [] },
  );
});

Deno.test("check_imports refuses an import of what stands above, beside, or in no layer", async () => {
  deepStrictEqual(
    await check({
      ...ETCD,
      "lib/store/mod.ts": "",
      "lib/keycache/mod.ts": 'import "../etcd/mod.ts";',
      "lib/k8s/gvr.ts": '\nexport * from "../store/mod.ts";',
      "lib/new/mod.ts": 'import "../k8s/mod.ts";',
      "lib/k8s/mod.ts": "",
      "lib/cli/help.ts": 'import "../../main.ts"; import "../new/mod.ts";',
      "main.ts": "",
    }),
    {
      code: 1,
      said: [
        "lib/cli/help.ts:1: imports lib/new/mod.ts, but lib/new stands in no layer",
        "lib/cli/help.ts:1: imports main.ts, but main.ts stands in no layer",
        "lib/k8s/gvr.ts:2: imports lib/store/mod.ts, but lib/store stands above lib/k8s",
        "lib/keycache/mod.ts:1: imports lib/etcd/mod.ts, but lib/keycache and lib/etcd stand side by side",
        "lib/new/mod.ts:1: imports lib/k8s/mod.ts, but lib/new stands in no layer",
      ],
    },
  );
});

Deno.test("check_imports refuses an import past another folder's mod.ts, that of a type too", async () => {
  const past = "imports lib/etcd/connection.ts, past lib/etcd/mod.ts";
  deepStrictEqual(
    await check({
      ...ETCD,
      "lib/store/a.ts": 'import "../etcd/connection.ts";',
      "lib/store/b.ts": 'import type {} from "../etcd/connection.ts";',
      "lib/store/c.ts": '//\nexport type C = import("../etcd/connection.ts").C;',
      "lib/store/d.ts": 'await import("../etcd/connection.ts");',
      "lib/agent/client.ts": 'import "./api/route.ts";',
      "lib/agent/api/route.ts": "",
    }),
    {
      code: 1,
      said: [
        "lib/agent/client.ts:1: imports lib/agent/api/route.ts, past lib/agent/api/mod.ts",
        `lib/store/a.ts:1: ${past}`,
        `lib/store/b.ts:1: ${past}`,
        `lib/store/c.ts:2: ${past}`,
        `lib/store/d.ts:1: ${past}`,
      ],
    },
  );
});

Deno.test("check_imports refuses a circle, of types and by mod.ts too", async () => {
  deepStrictEqual(
    await check({
      "lib/etcd/login.ts": 'import type {} from "./connection.ts";',
      "lib/etcd/connection.ts": 'import "./credentials.ts";',
      "lib/etcd/credentials.ts": 'import "./login.ts";',
      "lib/store/mod.ts": 'export * from "./plan.ts";',
      "lib/store/plan.ts": 'import "./mod.ts";',
      "lib/k8s/gvr.ts": 'import "./gvr.ts";',
    }),
    {
      code: 1,
      said: [
        "a circle: lib/etcd/connection.ts → lib/etcd/credentials.ts → lib/etcd/login.ts → lib/etcd/connection.ts",
        "a circle: lib/k8s/gvr.ts → lib/k8s/gvr.ts",
        "a circle: lib/store/mod.ts → lib/store/plan.ts → lib/store/mod.ts",
      ],
    },
  );
});

Deno.test("check_imports fails on a file that is not there", async () => {
  const { code, said } = await check({ "lib/etcd/mod.ts": 'import "./gone.ts";' });
  strictEqual(code, 1);
  match(said.join(), /lib\/etcd\/gone\.ts: Module not found/);
});
