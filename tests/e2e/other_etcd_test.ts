import { match, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ready, startDaemon } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { byHand, settingsOf } from "./_by_hand.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

Deno.test("other endpoints are told, and must be the same etcd", async () => {
  await using server = await startEtcd();
  await using another = await startEtcd();
  using there = new EtcdView(another);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  strictEqual((await node.reconcile()).code, 0);

  const localhost = `--etcd-servers=http://localhost:${server.port}`;
  const same = await byHand(node, "verify", localhost);
  expectExit(same, 0);
  match(
    same.stderr,
    /note: --etcd-servers is http:\/\/localhost:\d+ here; .*must be the same etcd/,
  );

  const elsewhere = `--etcd-servers=${another.endpoint}`;
  const commands = [["status"], ["verify"], ["--reconcile"], ["--reconcile", "--dry-run"]];
  for (const args of [...commands, ["--reconcile", "--adopt"], ["retire"]]) {
    const refused = await node.run([...args, elsewhere]);
    expectExit(
      refused,
      1,
      /is not the one that this node wrote to|nothing was retired: this etcd is/,
    );
  }
  strictEqual((await there.keys("/")).size, 0);
  expectExit(await byHand(node, "verify"), 0);

  // What has left the one may come to the other.
  expectExit(await byHand(node, "retire"), 0);
  expectExit(await node.run(["--reconcile", "--rejoin", elsewhere]), 0);
  strictEqual(settingsOf(node)["etcd-servers"], another.endpoint);
  expectExit(await byHand(node, "verify"), 0);
});

Deno.test("retire is refused by an etcd that came back empty or was made anew", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  strictEqual((await node.reconcile()).code, 0);

  await etcd.raw.kv.deleteRange({ key: Buffer.from("\0"), range_end: Buffer.from("\0") });
  const emptied = await byHand(node, "retire");
  expectExit(emptied, 1, /nothing was retired: this etcd has no fence \/edgekeyd\/n1\/fence/);
  const forged = { ...settingsOf(node), "cluster-id": "17" };
  expectExit(await byHand(node, "--reconcile"), 0);
  Deno.writeTextFileSync(`${node.stateDir}/settings.json`, JSON.stringify(forged));
  const anew = await byHand(node, "retire");
  expectExit(anew, 1, /nothing was retired: this etcd is cluster \d+, this node wrote to 17/);
  strictEqual((await etcd.keys("/n1/registry/")).size, 1);
  const again = await byHand(node, "--reconcile");
  expectExit(again, 0);
  match(again.stderr, /note: etcd is another cluster/);
  expectExit(await byHand(node, "retire"), 0);
  expectExit(await byHand(node, "retire"), 0);
  strictEqual((await etcd.keys("/")).size, 0);
});

Deno.test("a running daemon refuses to retire from an etcd that came back empty", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  await etcd.raw.kv.deleteRange({ key: Buffer.from("\0"), range_end: Buffer.from("\0") });
  const refused = await byHand(node, "retire");
  // Unless it has found out before, and put all of it back.
  if (refused.code === 1) match(refused.stderr, /nothing was retired: this etcd has no fence/);
  else match(refused.stdout, /^1 deleted/);
});
