import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { expectExit, reportOf } from "../e2e/_contract.ts";
import { EdgeNode } from "../e2e/_node.ts";
import { startEdgekeyd } from "../support/edgekeyd_process.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { AT_ONCE_MS, ready, startDaemon, SWIFT, until } from "./_daemon.ts";

/** How long commands that write wait for it. */
const LOCK_TIMEOUT_MS = 30_000;
/** What a daemon says that a command takes for the one it looks for. */
const STATUS = { nodeName: "n1", settings: {} };

Deno.test("a daemon is found by the state directory, wherever it listens", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  strictEqual(
    Deno.readTextFileSync(`${node.stateDir}/lock`),
    `${daemon.pid}\nunix:${daemon.socket}\n`,
  );
  const found = async (...args: string[]) => {
    const result = await node.run(["keys", "--lock-timeout=20s", ...args]);
    expectExit(result, 0);
    strictEqual(result.stdout, `${node.prefix}/pods/default/a\n`);
    ok(result.durationMs < AT_ONCE_MS, `${result.durationMs} ms`);
  };
  // The default socket is not the one.
  await found();
  await found(`--listen=unix:${node.root}/nobody.sock`);
  // The socket of a daemon that works on another state directory is none to ask.
  using elsewhere = new EdgeNode(server, "n2");
  await using other = await startDaemon(elsewhere, SWIFT);
  await ready(other);
  await found(`--listen=unix:${other.socket}`);
  // Seen from here, its socket may be at another place: then --listen counts.
  Deno.linkSync(daemon.socket, `${node.root}/alias.sock`);
  Deno.writeTextFileSync(
    `${node.stateDir}/lock`,
    `${daemon.pid}\nunix:${node.root}/gone/api.sock\n`,
  );
  await found(`--listen=unix:${node.root}/alias.sock`);
  const refused = await node.run(["--reconcile", "-o=json", "--lock-timeout=300ms"]);
  const who = `pid ${daemon.pid}, unix:${node.root}/gone/api\\.sock`;
  expectExit(
    refused,
    1,
    new RegExp(`held by another edgekeyd \\(${who}\\) for .* does not answer; .* give --listen`),
  );
  strictEqual(reportOf(refused).status, "failed");
});

Deno.test("a daemon that is not up yet, or stands still, is waited for and no longer", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  {
    await using daemon = await startDaemon(node);
    await ready(daemon);
    daemon.kill("SIGSTOP");
    const stopped = await node.run(["keys", "--lock-timeout=300ms"]);
    expectExit(stopped, 1, /is held by another edgekeyd \(pid \d+, unix:.*which does not answer/);
    const asked = await node.run(["status"]);
    expectExit(asked, 1, /which does not answer; a daemon that hangs is restarted by /);
    ok(asked.durationMs < LOCK_TIMEOUT_MS, `${asked.durationMs} ms`);
    const waiting = node.start(["keys", "--lock-timeout=40s"]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    daemon.kill("SIGCONT");
    const result = await waiting.result;
    expectExit(result, 0);
    ok(result.durationMs < AT_ONCE_MS, `${result.durationMs} ms`);
    strictEqual((await daemon.stop()).code, 0);
  }
  // It holds the directory, and does not listen yet.
  const lock = Deno.openSync(`${node.stateDir}/lock`, { read: true, write: true });
  await lock.lock(true);
  const socket = `${node.root}/api.sock`;
  Deno.writeTextFileSync(`${node.stateDir}/lock`, `1\nunix:${socket}\n`);
  const early = node.start(["keys", "-o=json", "--lock-timeout=40s"]);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const status = {
    ...STATUS,
    stateDir: Deno.realPathSync(node.stateDir),
    prefix: node.prefix,
  };
  const answers = (url: string) => url.includes("/v1/status") ? status : ["/asked"];
  const server2 = Deno.serve(
    { path: socket, onListen() {} },
    ({ url }) => Response.json(answers(url)),
  );
  const result = await early.result;
  expectExit(result, 0);
  deepStrictEqual(JSON.parse(result.stdout), ["/asked"]);
  await server2.shutdown();
  // Nobody listens any more: as soon as the directory is free, the command is done by itself.
  const last = node.start(["keys", "-o=json", "--lock-timeout=40s"]);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  lock.close();
  const alone = await last.result;
  expectExit(alone, 0);
  deepStrictEqual(JSON.parse(alone.stdout), []);
});

Deno.test("a daemon's socket: no TCP port, its owner's alone, a stale one is taken over", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  {
    await using daemon = await startDaemon(node);
    await ready(daemon);
    strictEqual((Deno.lstatSync(daemon.socket).mode ?? 0) & 0o777, 0o600);
    deepStrictEqual(listeningPorts(daemon.pid), []);
    // Another daemon on the same socket is refused, and the first one stays.
    using other = new EdgeNode(server, "n2");
    const args = other.commandLine(["run", `--listen=unix:${daemon.socket}`]);
    await using second = startEdgekeyd(args);
    expectExit(await second.result, 1, /another process answers there/);
    strictEqual((await daemon.ask("GET", "/healthz")).status, 200);
    daemon.kill("SIGKILL");
    await until("dead", async () => {
      return await daemon.ask("GET", "/healthz").then(() => false, () => true);
    });
    strictEqual(Deno.lstatSync(daemon.socket).isSocket, true);
  }
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const page = await node.run(["status", `--listen=unix:${daemon.socket}`]);
  expectExit(page, 0);
  strictEqual((await daemon.stop()).code, 0);
});

/** TCP sockets of a process on which it listens, as /proc tells them. */
function listeningPorts(pid: number): string[] {
  const inodes = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      inodes.add(
        /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/${pid}/fd/${name}`))?.[1] ?? "",
      );
    } catch {
      // Closed since it was listed.
    }
  }
  const LISTEN = "0A";
  return ["tcp", "tcp6"].flatMap((table) =>
    Deno.readTextFileSync(`/proc/${pid}/net/${table}`).split("\n").slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === LISTEN && inodes.has(fields[9] ?? "none"))
      .map((fields) => fields[1] ?? "")
  );
}
