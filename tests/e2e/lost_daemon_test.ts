import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ready, startDaemon } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { readStatus } from "../support/status.ts";
import { byHand } from "./_by_hand.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode } from "./_node.ts";

/** What status says: its exit status, the state, and the names of the conditions. */
async function said(node: EdgeNode): Promise<[number, string, string[]]> {
  const { code, stdout } = await byHand(node, "status", "-o=json");
  const { state, conditions } = readStatus(stdout);
  return [code, state, conditions.map(({ condition }) => condition)];
}

const WELL = [0, "in-step", []];
const MISSED = [1, "failing", ["service-down"]];

Deno.test("status misses a daemon that died, until one was stopped, and none that never was", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.reconcile(), 0);
  deepStrictEqual(await said(node), WELL);
  {
    await using daemon = await startDaemon(node);
    await ready(daemon);
    deepStrictEqual(await said(node), WELL);
    daemon.kill("SIGKILL");
    await daemon.ended;
  }
  deepStrictEqual(await said(node), MISSED);
  // Who works by hand meanwhile, or looks, is no daemon.
  expectExit(await node.reconcile(), 0);
  deepStrictEqual(await said(node), MISSED);
  const page = await byHand(node, "status");
  match(
    page.stdout,
    /^problem +the daemon that ran here since \d{4}-.*Z is gone; .*start it again/m,
  );
  expectExit(page, 1, /the daemon that ran here since /);
  {
    await using daemon = await startDaemon(node);
    await ready(daemon);
    strictEqual((await daemon.stop()).code, 0);
  }
  deepStrictEqual(await said(node), WELL);
});

Deno.test("a daemon that died after its node left the pool is missed once that takes part again", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  expectExit(await byHand(node, "retire"), 0);
  daemon.kill("SIGKILL");
  await daemon.ended;
  deepStrictEqual(await said(node), [1, "retired", ["retired"]]);
  // What stands there says so, whatever it holds.
  expectExit(await node.reconcile("--rejoin"), 0);
  Deno.writeTextFileSync(`${node.stateDir}/daemon`, "nonsense");
  deepStrictEqual(await said(node), MISSED);
});
