import { match, strictEqual } from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { bindMount, canMount } from "../support/mounts.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode } from "./_node.ts";

Deno.test({
  name:
    "settings that a failing disk does not give are said, by every command and with an etcd that is named: to go on without them could mean another etcd",
  ignore: !canMount(),
  async fn() {
    await using server = await startEtcd();
    using node = new EdgeNode(server);
    node.write("kubelet/pods.v1.core/default/a");
    expectExit(await node.reconcile(), 0);
    // Its first bytes belong to no memory, and a read of them ends with EIO.
    using _ = bindMount("/proc/self/mem", `${node.stateDir}/settings.json`);
    for (const args of [["status"], ["keys"], ["--reconcile"], ["retire"]]) {
      const run = await node.run(args);
      strictEqual(run.code, 1);
      match(run.stderr, /^edgekeyd: cannot read \S+settings\.json: .*; check its disk\n$/);
      strictEqual(run.stdout, "");
    }
  },
});
