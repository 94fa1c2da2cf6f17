/** What each command loads before it does anything: a node has little, and gRPC alone is much. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { fromFileUrl } from "@std/path";

const PROJECT = new URL("../../", import.meta.url);

/** What of `deno info --json` is read here. */
interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly isDynamic?: boolean;
      /** Absent if only types are imported. */
      readonly code?: { readonly specifier: string };
    }[];
  }[];
}

/** All that is loaded with a module: files by their path in the project, and packages. */
async function loadedWith(path: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", path],
    cwd: fromFileUrl(PROJECT),
    stderr: "null",
  }).output();
  const { modules }: ModuleGraph = JSON.parse(new TextDecoder().decode(stdout));
  const byName = new Map(modules.map((module) => [module.specifier, module]));
  const loaded = new Set([new URL(path, PROJECT).href]);
  for (const name of loaded) {
    for (const { isDynamic, code } of byName.get(name)?.dependencies ?? []) {
      if (!isDynamic && code) loaded.add(code.specifier);
    }
  }
  return [...loaded].map((name) => name.replace(PROJECT.href, ""));
}

Deno.test("--version and --help load the command line alone", async () => {
  const loaded = await loadedWith("main.ts");
  ok(loaded.includes("lib/cli/version.ts"), loaded.join());
  const shared = ["errors", "nearest_name", "printed"].map((name) => `lib/${name}.ts`);
  const more = loaded.filter((name) =>
    !["main.ts", "deno.json", ...shared].includes(name) && !/^lib\/(std\/)?cli\//.test(name)
  );
  deepStrictEqual(more, []);
});

Deno.test("a command loads no route of the API before it knows that no daemon answers", async () => {
  const loaded = await loadedWith("lib/cli/reconcile_command.ts");
  ok(loaded.includes("lib/agent/client.ts"), loaded.join());
  deepStrictEqual(loaded.filter((name) => /^lib\/agent\/api\//.test(name)), []);
});

Deno.test("a command that answers itself loads no package before it needs one", async () => {
  const loaded = await loadedWith("lib/cli/resting_client.ts");
  ok(loaded.includes("lib/agent/api/node_routes.ts"), loaded.join());
  ok(loaded.includes("lib/reconcile/reconcile.ts"), loaded.join());
  deepStrictEqual(loaded.filter((name) => name.startsWith("npm:")), []);
});
