import { match, ok, strictEqual } from "node:assert/strict";
import { cleanEnv, edgekeydCommand } from "../support/edgekeyd_process.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { startProxy } from "../support/tcp_proxy.ts";
import { expectExit, shown } from "./_contract.ts";
import { EdgeNode } from "./_node.ts";

/** Runs a command on a terminal of its own, and exits as it did. */
const ON_A_TERMINAL = `
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
`;

async function hasPython(): Promise<boolean> {
  try {
    const check = "import os, pty; os.waitstatus_to_exitcode";
    return (await new Deno.Command("python3", { args: ["-c", check], stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

/** stdout and stderr of a run as a terminal gets them, each escape character written as `ESC`. */
async function watch(
  node: EdgeNode,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; screen: string }> {
  const { code, stdout } = await new Deno.Command("python3", {
    args: ["-c", ON_A_TERMINAL, ...edgekeydCommand(node.commandLine(args))],
    clearEnv: true,
    env: cleanEnv({ TERM: "xterm", ...env }),
    stdin: "null",
    stderr: "inherit",
  }).output();
  return { code, screen: new TextDecoder().decode(stdout).replaceAll("\x1b", "ESC") };
}

Deno.test("terminal: a reader that leaves early ends the output, not in a stack trace", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  for (let i = 0; i < 1_500; i++) {
    node.write(`kubelet/configmaps.v1.core/a-namespace-with-a-long-name/object-${i}`);
  }
  expectExit(await node.reconcile(), 0);
  const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  for (const [args, reader] of [[["keys"], "head -1"], [["keys", "-o=json"], "true"]] as const) {
    const command = edgekeydCommand(node.commandLine([...args])).map(quote).join(" ");
    const { stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", `set -o pipefail; ${command} | ${reader}`],
      clearEnv: true,
      env: cleanEnv(),
    }).output();
    strictEqual(new TextDecoder().decode(stderr), "");
    if (reader === "head -1") {
      match(new TextDecoder().decode(stdout), /^\/n1\/registry\/configmaps\/.*\n$/);
    }
  }
});

Deno.test({
  name: "terminal: colour and a progress bar are for who watches",
  ignore: !(await hasPython()),
  async fn(t) {
    await using server = await startEtcd();

    await t.step("colour on a terminal, unless NO_COLOR is set", async () => {
      using node = drifted(server, "colour");
      const colour = await watch(node, ["--reconcile", "--dry-run", "--settle-time=0"]);
      strictEqual(colour.code, 0, colour.screen);
      match(colour.screen, /ESC\[32m\+ put .*ESC\[0m/);
      const plain = await watch(node, ["--reconcile", "--dry-run", "--settle-time=0"], {
        NO_COLOR: "1",
      });
      strictEqual(plain.screen.includes("ESC"), false, plain.screen);
      match(plain.screen, /^\+ put /);
    });

    await t.step("no bar for a quick run, a bar for a slow one, gone at its end", async () => {
      await using proxy = startProxy(server.port);
      using node = drifted(proxy.endpoint, "bar");
      const quick = await watch(node, ["--reconcile", "--settle-time=0"], { NO_COLOR: "1" });
      strictEqual(quick.code, 0, quick.screen);
      strictEqual(quick.screen.includes("ESC[K"), false, quick.screen);

      for (let i = 0; i < 300; i++) {
        node.write(`kubelet/configmaps.v1.core/default/c${i}`, { more: { data: "x".repeat(900) } });
      }
      // An uplink that is slow with what is large.
      proxy.passage.delayMs = 400;
      const slow = await watch(node, ["--reconcile", "--settle-time=0"], { NO_COLOR: "1" });
      strictEqual(slow.code, 0, slow.screen);
      match(slow.screen, /\rcommit {2}\[\.{24}\] {2}0\/300 keysESC\[K/);
      match(slow.screen, /\rESC\[K(?!.*commit)[\s\S]*in-step: 300 created/);
    });

    await t.step("a scan that waits for directories to settle shows how far it is", async () => {
      using node = drifted(server, "scan");
      expectExit(await node.reconcile(), 0);
      node.remove("kubelet/pods.v1.core/default/a");
      const slow = await watch(node, ["--reconcile", "--settle-time=10s"], { NO_COLOR: "1" });
      strictEqual(slow.code, 0, slow.screen);
      match(slow.screen, /\rscan {2}\d+ filesESC\[K/);
      match(slow.screen, /1 deleted/);
    });

    await t.step("no bar and no colour where nobody watches", async () => {
      await using proxy = startProxy(server.port, { delayMs: 400 });
      using node = drifted(proxy.endpoint, "nobody");
      const run = await node.reconcile("--etcd-timeout=10s");
      expectExit(run, 0);
      ok(run.report.phasesMs.commit > 300, shown(run));
      strictEqual(run.stderr, "");
    });
  },
});

/** A node with something to do. */
function drifted(server: EtcdServer | string, name: string): EdgeNode {
  const node = new EdgeNode(server, name);
  node.write("kubelet/pods.v1.core/default/a");
  node.write("kubelet/pods.v1.core/default/b");
  return node;
}
