import { deepStrictEqual, match } from "node:assert/strict";
import { EdgeNode } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { ready, startDaemon, SWIFT } from "./_daemon.ts";

Deno.test("a daemon that is led to another cluster says so in status and readiness until it starts anew", async () => {
  await using first = await startEtcd();
  await using second = await startEtcd();
  using node = new EdgeNode(first);
  node.write("kubelet/pods.v1.core/default/a");
  const said: string[][] = [];
  for (const server of [first, second, second]) {
    await using daemon = await startDaemon(node, [...SWIFT, `--etcd-servers=${server.endpoint}`]);
    await ready(daemon);
    const { conditions } = await daemon.status();
    said.push(conditions.map(({ condition }) => condition));
    if (conditions.length > 0) {
      match(
        (await daemon.ask("GET", "/readyz")).text,
        /another cluster than before .*--etcd-servers/,
      );
    }
    await daemon.stop();
  }
  deepStrictEqual(said, [[], ["cluster-changed"], []]);
});
