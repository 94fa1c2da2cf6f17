import { ok } from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { World } from "../reconcile/_world.ts";
import { until } from "./_daemon.ts";
import { RunningAgent } from "./_running_agent.ts";

const SHOWN = { dryRun: true, confirmDeletes: false, requireSingleTxn: false };
/** What is due comes after the debounce, and after what waits for other nodes: far fewer go by. */
const MAX_DRY_RUNS = 20_000;

Deno.test("dry runs that are asked for without a pause do not keep the agent from what is due", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  world.files.put("kubelet/pods.v1.core/default/a");
  await using running = new RunningAgent(world, 0);
  const { agent } = running;
  await until("the first pass", () => Promise.resolve(agent.health.lastSuccessMs !== undefined));
  world.files.put("kubelet/pods.v1.core/default/b");
  const isThere = () => world.node.cache.rows.has(world.key("/pods/default/b"));
  let runs = 0;
  // One of them always waits.
  const asking = Array.from({ length: 3 }, async () => {
    while (!isThere() && runs++ < MAX_DRY_RUNS) {
      await agent.reconcileNow(SHOWN, new AbortController().signal);
    }
  });
  await Promise.all(asking);
  ok(isThere(), `not after ${runs} dry runs`);
});
