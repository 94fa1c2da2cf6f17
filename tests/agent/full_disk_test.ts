import { match, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { fill, smallDisk } from "../support/small_disk.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { expectError, ready, startDaemon, until } from "./_daemon.ts";

Deno.test("a full disk", async (t) => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  using disk = smallDisk(node.stateDir);
  await t.step({
    name: "is said in status, no exit, nothing forgotten, in step once there is room",
    ignore: disk === undefined,
    fn: () => filling(server, node),
  });
});

async function filling(server: EtcdServer, node: EdgeNode): Promise<void> {
  using etcd = new EtcdView(server);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const ballast = `${node.stateDir}/ballast`;
  fill(ballast);
  for (let pod = 0; pod < 2_000; pod++) node.write(`kubelet/pods.v1.core/default/p${pod}`);
  const failing = async () => (await daemon.status()).notReady.join();
  await until("failing", async () => /cache\.kv: the disk is full; free/.test(await failing()));
  const page = await node.run(["status"]);
  match(page.stdout, /^ {13}answers in /m, "it is the disk, not etcd");
  strictEqual(page.stdout.match(/disk is full/g)?.length, 1, page.stdout);
  expectError(await daemon.ask("GET", "/readyz"), 503, "NotReady");
  strictEqual((await etcd.keys(`${node.prefix}/pods/`)).size, 1, "nothing without an intent");
  Deno.removeSync(ballast);
  await ready(daemon);
  await until("all", async () => (await etcd.keys(`${node.prefix}/pods/`)).size === 2_001);
  const { code, stderr } = await daemon.stop();
  strictEqual(code, 0, stderr);
  strictEqual(stderr.match(/^error: .*the disk is full/gm)?.length, 1, stderr);
  strictEqual(stderr.match(/^notice: in step again/gm)?.length, 1, stderr);
}
