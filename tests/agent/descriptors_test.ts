import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { type DaemonProcess, ready, startDaemon, SWIFT, until } from "./_daemon.ts";

/** The first number that the next descriptor would get: with it as the limit there is none. */
function firstFree({ pid }: DaemonProcess): number {
  const taken = new Set(Array.from(Deno.readDirSync(`/proc/${pid}/fd`), ({ name }) => +name));
  let free = 0;
  while (taken.has(free)) free++;
  return free;
}

async function limit({ pid }: DaemonProcess, descriptors: number): Promise<void> {
  const args = ["--pid", `${pid}`, `--nofile=${descriptors}:1024`];
  strictEqual((await new Deno.Command("prlimit", { args }).output()).code, 0);
}

Deno.test("idle connections take no descriptors that the daemon needs: they end, the rest goes on", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const p = node.prefix;
  node.write("kubelet/pods.v1.core/default/a", { rv: 1 });
  await using daemon = await startDaemon(node, [...SWIFT, "--resync-interval=1s"]);
  await ready(daemon);
  await limit(daemon, 64);
  const idle = [];
  for (let count = 0; count < 100; count++) {
    idle.push(await Deno.connect({ transport: "unix", path: daemon.socket }));
  }
  // Etcd is lost and found anew meanwhile, which takes descriptors as well.
  await server.kill();
  await until("away", async () => (await daemon.status()).state === "etcd-away");
  await server.start();
  node.write("kubelet/pods.v1.core/default/b", { rv: 2 });
  await until("taken up", async () => (await etcd.keys(p)).has(`${p}/pods/default/b`));
  strictEqual((await daemon.ask("GET", "/healthz")).status, 200);
  for (const connection of idle) connection.close();
  const { code, stderr } = await daemon.stop();
  strictEqual(code, 0, stderr);
  doesNotMatch(stderr, /descriptors|open files|internal error/i);
});

Deno.test("without any descriptor left the daemon lives, says so, and is in step again once there are some", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const p = node.prefix;
  node.write("kubelet/pods.v1.core/default/a", { rv: 1 });
  await using daemon = await startDaemon(node, [...SWIFT, "--resync-interval=1s"]);
  await ready(daemon);
  node.write("kubelet/pods.v1.core/default/b", { rv: 2 });
  // Nobody can ask it meanwhile, so that it is asked between two such times.
  await until("it says so", async () => {
    await limit(daemon, firstFree(daemon));
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await limit(daemon, 1_024);
    return (await daemon.status()).notReady.join().includes("no file descriptors are left");
  }, 60_000);
  await ready(daemon);
  await until("taken up", async () => (await etcd.keys(p)).has(`${p}/pods/default/b`));
  const { code, stderr } = await daemon.stop();
  strictEqual(code, 0, stderr);
  match(stderr, /can't be read: no file descriptors are left; raise LimitNOFILE=/);
  doesNotMatch(stderr, /internal error|check --cache-dir/);
});
