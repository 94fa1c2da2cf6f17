import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { EdgeNode, objectBytes } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { ready, startDaemon } from "./_daemon.ts";

const POD = "/v1/components/app/resources/pods.v1.core/namespaces/default/objects/b";

Deno.test("a pass that was asked for holds up neither reads nor writes while it waits for directories to settle", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  node.write("kubelet/pods.v1.core/default/kept");
  await using daemon = await startDaemon(node, ["--debounce=50ms", "--settle-time=5s"]);
  await ready(daemon);
  for (const query of ["?dryRun=true", ""]) {
    node.write("kubelet/pods.v1.core/default/a");
    strictEqual((await daemon.ask("POST", "/v1/reconcile")).status, 200);
    node.remove("kubelet/pods.v1.core/default/a");
    let isDone = false;
    const pass = daemon.ask("POST", `/v1/reconcile${query}`).finally(() => isDone = true);
    // It is at work by then.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const body = objectBytes("app/pods.v1.core/default/b").slice();
    const statuses = [
      (await daemon.ask("POST", POD, body)).status,
      (await daemon.ask("GET", POD)).status,
      (await daemon.ask("DELETE", POD)).status,
    ];
    deepStrictEqual([statuses, isDone], [[201, 200, 200], false], query);
    const { report } = (await pass).json as { report: { deleted: number } };
    strictEqual(report.deleted, 1);
  }
});
