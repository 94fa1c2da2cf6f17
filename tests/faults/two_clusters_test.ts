import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ready, startDaemon, SWIFT, until } from "../agent/_daemon.ts";
import { expectExit } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { freePort, startEtcd } from "../support/etcd_server.ts";

const MIXED =
  /endpoints in --etcd-servers belong to different clusters \(http\S+ to \d+, http\S+ to \d+\); nothing was done\. Name those of one cluster/;
/** A quarter of it is what an endpoint has for saying what it is, on a busy machine too. */
const PATIENT = "--etcd-timeout=30s";

Deno.test("two endpoints that belong to two clusters: nothing is written to either, and both are named", async () => {
  await using one = await startEtcd();
  await using other = await startEtcd();
  using here = new EtcdView(one);
  using there = new EtcdView(other);
  using node = new EdgeNode(`${one.endpoint},${other.endpoint}`);
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.reconcile(PATIENT), 1, MIXED);
  expectExit(await node.reconcile(PATIENT, "--dry-run"), 1, MIXED);
  await using daemon = await startDaemon(node, [...SWIFT, PATIENT]);
  await until("not ready", async () => MIXED.test((await daemon.ask("GET", "/readyz")).text));
  const page = await node.run(["status"]);
  strictEqual(page.code, 1);
  match(page.stdout, MIXED);
  await daemon.stop();
  for (const etcd of [here, there]) strictEqual((await etcd.keys("/")).size, 0);

  expectExit(await node.reconcile(`--etcd-servers=${one.endpoint}`), 0);
  expectExit(await node.reconcile(PATIENT), 1, MIXED);
  strictEqual((await there.keys("/")).size, 0);
});

Deno.test("an endpoint that comes back as another cluster, while its daemon's own goes away, is not written to", async () => {
  await using one = await startEtcd();
  const later = `http://127.0.0.1:${freePort()}`;
  using node = new EdgeNode(`${one.endpoint},${later}`);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const remembered = Deno.readTextFileSync(`${node.stateDir}/settings.json`);
  await using _other = await startEtcd({
    args: [`--listen-client-urls=${later}`, `--advertise-client-urls=${later}`],
  });
  using there = new EtcdView({ ..._other, endpoint: later });
  await one.kill();
  await until("not ready", async () => MIXED.test((await daemon.ask("GET", "/readyz")).text));
  strictEqual((await there.keys("/")).size, 0);
  deepStrictEqual(Deno.readTextFileSync(`${node.stateDir}/settings.json`), remembered);
  await daemon.stop();

  // Without it all is well.
  await one.start();
  await using again = await startDaemon(node, [...SWIFT, `--etcd-servers=${one.endpoint}`]);
  await ready(again);
  await again.stop();
});
