import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { expectExit } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { ready, startDaemon, SWIFT } from "./_daemon.ts";

Deno.test("a daemon of a node that was retired stays out of the pool until --rejoin, and says so", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  {
    await using daemon = await startDaemon(node);
    await ready(daemon);
    expectExit(await node.run(["retire"]), 0);
    strictEqual((await daemon.stop()).code, 0);
  }

  const before = await etcd.revision();
  {
    await using daemon = await startDaemon(node);
    node.write("kubelet/pods.v1.core/default/b");
    expectExit(await node.run(["--reconcile"]), 1, /this node was retired; .*--rejoin/);
    const { status, text } = await daemon.ask("GET", "/readyz");
    strictEqual(status, 503);
    match(text, /this node was retired; .*`edgekeyd --reconcile --rejoin --state-dir \S+`/);
    const { state, conditions } = await daemon.status();
    deepStrictEqual([state, conditions.map(({ condition }) => condition)], [
      "retired",
      ["retired"],
    ]);
    const metrics = await daemon.ask("GET", "/metrics");
    match(metrics.text, /^edgekeyd_condition\{condition="retired",kind="not-ready"\} 1$/m);
    daemon.kill("SIGHUP");
    expectExit(await node.run(["status"]), 1, /this node was retired/);
    const { code, stderr } = await daemon.stop();
    strictEqual(code, 0);
    match(stderr, /notice: this node was retired; .*--rejoin/);
  }
  strictEqual(await etcd.revision(), before);
  strictEqual((await etcd.keys("/")).size, 0);

  {
    await using daemon = await startDaemon(node, [...SWIFT, "--rejoin"]);
    await ready(daemon);
    strictEqual((await daemon.stop()).code, 0);
  }
  strictEqual((await etcd.keys(`${node.prefix}/`)).size, 2);
  await using daemon = await startDaemon(node);
  await ready(daemon);
  strictEqual((await daemon.stop()).code, 0);
});
