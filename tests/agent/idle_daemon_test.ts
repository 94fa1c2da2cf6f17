import { match, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { type DaemonProcess, ready, startDaemon, until } from "./_daemon.ts";

/** With the defaults nothing is due for ten minutes. */
const IDLE = ["--settle-time=200ms"];

/** A pod in step, of which nobody will hear for a while. */
async function idle(node: EdgeNode): Promise<DaemonProcess> {
  node.write("kubelet/pods.v1.core/default/a");
  const daemon = await startDaemon(node, IDLE);
  await ready(daemon);
  return daemon;
}

const isReady = async (daemon: DaemonProcess) =>
  (await daemon.ask("GET", "/readyz")).status === 200;
const metricsOf = async (daemon: DaemonProcess) => (await daemon.ask("GET", "/metrics")).text;

Deno.test("an etcd that is emptied beside an idle daemon is filled again, unasked", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const key = `${node.prefix}/pods/default/a`;
  await using daemon = await idle(node);
  await server.kill();
  await server.start({ wipe: true });
  await until("filled again", async () => (await etcd.keys(key)).has(key), 60_000);
  await ready(daemon);
});

Deno.test("readiness and metrics of an idle daemon say that etcd hangs, unasked", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  await using daemon = await idle(node);
  await server.kill("SIGSTOP");
  await until("not ready", async () => !await isReady(daemon), 60_000);
  match(await metricsOf(daemon), /^edgekeyd_etcd_up 0$/m);
  await server.kill("SIGCONT");
  await until("ready", () => isReady(daemon), 60_000);
  match(await metricsOf(daemon), /^edgekeyd_etcd_up 1$/m);
});

Deno.test("verify that finds an emptied etcd has the daemon fill it again", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const key = `${node.prefix}/pods/default/a`;
  await using daemon = await idle(node);
  await server.kill();
  await server.start({ wipe: true });
  const { code } = await node.run(["verify"]);
  strictEqual(code !== 0 || (await etcd.keys(key)).has(key), true, "in step or said");
  await until("filled again", async () => (await etcd.keys(key)).has(key), 60_000);
  await ready(daemon);
});
