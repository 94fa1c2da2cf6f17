import { match, ok, strictEqual } from "node:assert/strict";
import { cleanEnv, edgekeydCommand } from "../support/edgekeyd_process.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { startProxy } from "../support/tcp_proxy.ts";
import { expectExit, shown } from "./_contract.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

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

Deno.test("terminal: what can't be printed undoes no work, and what was done is said", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  const DONE = /^edgekeyd: can't print to stdout: .*; what was asked for is done all the same/m;
  const NOT_WHOLE = /^edgekeyd: can't print to stdout: No space left.*; .* is not whole$/m;
  let nodes = 0;
  // How the output is lost, whether stderr is still read, and what each kind of command says.
  const ways: [how: string, into: string, said: { works: RegExp; reads: [number, RegExp] }][] = [
    ["a full disk", "> /dev/full", { works: DONE, reads: [1, NOT_WHOLE] }],
    ["a reader that has gone", "| true", { works: DONE, reads: [0, /^$/] }],
    ["a full disk for both", "> /dev/full 2> /dev/full", { works: /^$/, reads: [1, /^$/] }],
    ["both closed", ">&- 2>&-", { works: /^$/, reads: [0, /^$/] }],
    ["readers that have gone", "2>&1 | true", { works: /^$/, reads: [0, /^$/] }],
  ];
  for (const [how, into, said] of ways) {
    await t.step(how, async () => {
      using node = new EdgeNode(server, `lost${nodes++}`);
      for (let i = 0; i < 600; i++) {
        node.write(`kubelet/configmaps.v1.core/a-namespace-with-a-long-name/object-${i}`);
      }
      const run = async (...args: string[]) => {
        const { code, stderr } = await printing(node, args, into);
        ok(!/internal error|\bat .*\.ts:/.test(stderr), stderr);
        return { code, stderr };
      };
      for (const output of ["text", "json"]) {
        const reconciled = await run("--reconcile", "--rejoin", "--settle-time=0", `-o=${output}`);
        // A pipe is read until its reader is gone, which a short text may be before.
        strictEqual(reconciled.code, 0, reconciled.stderr);
        if (!into.includes("|")) match(reconciled.stderr, said.works);
        strictEqual((await etcd.keys(`${node.prefix}/`)).size, 600);
        const keys = await run("keys", `-o=${output}`);
        strictEqual(keys.code, said.reads[0], keys.stderr);
        match(keys.stderr, said.reads[1]);
      }
      const help = await run("--help");
      strictEqual(help.code, said.reads[0], help.stderr);
      const retired = await run("retire");
      strictEqual(retired.code, 0, retired.stderr);
      strictEqual((await etcd.keys(`${node.prefix}/`)).size, 0);
      if (!into.includes("|")) match(retired.stderr, said.works);
    });
  }

  await t.step("a reader that has gone before the first line", async () => {
    using node = drifted(server, "gone");
    const run = await printing(
      node,
      ["--reconcile", "--settle-time=0"],
      "| exec 0<&-",
      "sleep 1; ",
    );
    strictEqual(run.code, 0, run.stderr);
    match(run.stderr, DONE);
    strictEqual((await etcd.keys(`${node.prefix}/`)).size, 2);
  });
});

/** Runs a command whose output goes where a shell sends it. */
async function printing(
  node: EdgeNode,
  args: string[],
  into: string,
  before = "",
): Promise<{ code: number; stderr: string }> {
  const command = edgekeydCommand(node.commandLine(args)).map(quote).join(" ");
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-c", `set -o pipefail; { ${before}${command}; } ${into}`],
    clearEnv: true,
    env: cleanEnv(),
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Runs a command into a small pipe that does not block, and begins to read only later. */
const INTO_A_FULL_PIPE = `
import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETFL, fcntl.fcntl(w, fcntl.F_GETFL) | os.O_NONBLOCK)
fcntl.fcntl(w, 1031, 4096) # F_SETPIPE_SZ
run = subprocess.Popen(sys.argv[1:], stdout=w)
os.close(w)
time.sleep(1)
sys.stdout.buffer.write(os.fdopen(r, "rb").read())
sys.exit(run.wait())
`;

Deno.test({
  name: "terminal: a pipe that is full and does not block is waited for",
  ignore: !(await hasPython()),
  async fn() {
    await using server = await startEtcd();
    using node = new EdgeNode(server);
    for (let i = 0; i < 300; i++) {
      node.write(`kubelet/configmaps.v1.core/a-namespace-with-a-long-name/object-${i}`);
    }
    expectExit(await node.reconcile(), 0);
    const { code, stdout } = await new Deno.Command("python3", {
      args: ["-c", INTO_A_FULL_PIPE, ...edgekeydCommand(node.commandLine(["keys"]))],
      clearEnv: true,
      env: cleanEnv(),
      stdin: "null",
      stderr: "inherit",
    }).output();
    strictEqual(code, 0);
    strictEqual(new TextDecoder().decode(stdout).split("\n").length, 301);
  },
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
