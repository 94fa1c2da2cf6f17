import { match, ok, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { type DaemonProcess, ready, startDaemon } from "../agent/_daemon.ts";
import { EdgeNode } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { TcpBridge } from "./_tcp_bridge.ts";
import { TYPED_CLIENT } from "./_typed_client.ts";

const HERE = fromFileUrl(new URL(".", import.meta.url));
/** Set where Go and the modules of `go/` are at hand. */
const hasGo = Deno.env.get("EDGEKEYD_TEST_GO") !== undefined;

/** A folder of Python's packages, set where schemathesis is at hand. */
const schemathesis = Deno.env.get("EDGEKEYD_TEST_SCHEMATHESIS");

/** A daemon in step, and its document in a directory of its own, gone with the test. */
async function serving(
  work: (daemon: DaemonProcess, directory: string) => Promise<void>,
): Promise<void> {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a", { rv: 7 });
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const directory = `${node.root}/client`;
  Deno.mkdirSync(directory);
  const { text } = await daemon.ask("GET", "/openapi.json");
  Deno.writeTextFileSync(`${directory}/openapi.json`, text);
  await work(daemon, directory);
}

/** Runs a program, which must go well. */
async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  const env = {
    NO_COLOR: "1",
    REDOCLY_TELEMETRY: "off",
    REDOCLY_SUPPRESS_UPDATE_NOTICE: "true",
    ...(schemathesis !== undefined && { PYTHONPATH: schemathesis }),
  };
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd, env }).output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  strictEqual(code, 0, `${program} ${args.join(" ")}:\n${said}`);
  return said;
}

/** Runs Deno with the packages of `npm.json`, and no others. */
async function deno(cwd: string, command: string, ...args: string[]): Promise<string> {
  const config = [`--config=${HERE}npm.json`, `--lock=${HERE}npm.lock`, "--frozen"];
  return await run(cwd, Deno.execPath(), command, ...config, ...args);
}

Deno.test("openapi.json has nothing that a linter of such documents finds wrong", async () => {
  await serving(async (_, directory) => {
    const said = await deno(directory, "run", "-A", "@redocly/cli", "lint", "openapi.json");
    match(said, /Your API description is valid/);
    strictEqual(/warning/i.test(said), false, said);
  });
});

Deno.test("a TypeScript client that is made of openapi.json compiles, and brings back each byte", async () => {
  await serving(async ({ socket }, directory) => {
    const types = ["openapi-typescript", "openapi.json", "--output", "openapi.d.ts"];
    await deno(directory, "run", "-A", ...types);
    Deno.writeTextFileSync(`${directory}/main.ts`, TYPED_CLIENT);
    await deno(directory, "check", "main.ts");
    match(await deno(directory, "run", "-A", "main.ts", socket), /^done$/m);
  });
});

Deno.test({
  name: "a Go client that is made of openapi.json compiles, and brings back each byte",
  ignore: !hasGo,
  async fn() {
    await serving(async ({ socket }, directory) => {
      for (const name of ["go.mod", "go.sum", "main.go"]) {
        Deno.copyFileSync(`${HERE}go/${name}`, `${directory}/${name}`);
      }
      Deno.mkdirSync(`${directory}/client`);
      const flags = ["-generate", "types,client", "-package", "client"];
      const files = ["-o", "client/client.go", "openapi.json"];
      await run(directory, "go", "tool", "oapi-codegen", ...flags, ...files);
      await run(directory, "go", "build", "-mod=readonly", "-o", "speak", ".");
      match(await run(directory, `${directory}/speak`, socket), /^done$/m);
    });
  },
});

Deno.test({
  name: "a thousand random requests that are made of openapi.json are answered as it says",
  ignore: schemathesis === undefined,
  async fn() {
    await serving(async ({ socket }, directory) => {
      await using bridge = new TcpBridge(socket);
      const options = [
        ["run", "openapi.json", "--url", bridge.url, "--no-color", "--request-timeout", "30"],
        ["--seed", "1", "--max-examples", "40", "--phases", "examples,coverage,fuzzing,stateful"],
        // No schema says that a body has the name of its path, or what a list of Pods may hold.
        ["--exclude-checks", "positive_data_acceptance"],
        // A node that is retired refuses all that comes after.
        ["--exclude-operation-id", "retire"],
      ];
      const said = await run(directory, "python3", "-m", "schemathesis.cli", ...options.flat());
      const [, cases = "0", passed = "0"] = /(\d+) generated, (\d+) passed/.exec(said) ?? [];
      strictEqual(passed, cases, said);
      ok(Number(cases) > 500, said);
    });
  },
});
