import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { World } from "../reconcile/_world.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { until } from "./_daemon.ts";
import { RunningAgent } from "./_running_agent.ts";

const PODS = "kubelet/pods.v1.core";

/** Waits for so many looks of an agent's. */
async function looks({ agent }: RunningAgent, count: number): Promise<void> {
  let since = agent.health;
  let seen = 0;
  await until("looked at", () => {
    if (agent.health !== since) seen++;
    since = agent.health;
    return seen >= count;
  });
}

/** What is told of an agent's conditions. */
function conditionsOf({ agent }: RunningAgent) {
  return agent.known.conditions.map(({ condition, kind, items }) => [condition, kind, items]);
}

Deno.test("a backup that a dead yurthub left is a warning after a minute, until it is gone", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  const { files, node } = world;
  for (const name of ["a", "b"]) files.put(`${PODS}/default/${name}`);
  files.put("kubelet/nodes.v1.core/edge-1");
  // yurthub has moved the list away, has written one file of the new one, and died.
  const backup = "kubelet/tmp_pods.v1.core";
  files.rename(PODS, backup);
  files.put(`${PODS}/default/a`);
  await using running = new RunningAgent(world, 50);
  const status = () => running.agent.known;
  await until("in step", () => status().state === "in-step");
  await looks(running, 3);
  deepStrictEqual(conditionsOf(running), []);
  running.aheadMs = 61_000;
  await until("half rewritten", () => status().state === "partial");
  deepStrictEqual(status().halfRewritten, [PODS]);
  deepStrictEqual(status().notReady, []);
  deepStrictEqual(conditionsOf(running), [["half-rewritten", "warning", [{ about: PODS }]]]);
  await looks(running, 3);
  files.remove(backup);
  await until("in step again", () => status().state === "in-step");
  strictEqual(status().halfRewritten, undefined);
  await until("deleted", async () => !(await node.keys()).includes("/pods/default/b"));
  deepStrictEqual(running.lines, [
    "warning: a resource group has been half rewritten for more than a minute, and deletes in it " +
    "wait; yurthub puts its backup (tmp_…) back when it starts; do that by hand if it is not at " +
    `work group=${PODS}`,
    `notice: no longer half rewritten group=${PODS}`,
  ]);
});

Deno.test("a group whose directory is moved all the time is a warning after a minute, until it rests", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  world.aheadMs = 0;
  const { files, node } = world;
  for (const name of ["a", "b"]) files.put(`${PODS}/default/${name}`);
  await using running = new RunningAgent(world, 1_000);
  const status = () => running.agent.known;
  await until("in step", () => status().state === "in-step");
  await until("put", async () => (await node.keys()).length === 2);
  const away = `${files.root}-away`;
  const mover = setInterval(() => {
    Deno.renameSync(files.path(PODS), away);
    files.put(`${PODS}/default/a`);
    Deno.removeSync(away, { recursive: true });
  }, 100);
  try {
    await looks(running, 3);
    deepStrictEqual(conditionsOf(running), []);
    running.aheadMs = 61_500;
    await until("too restless", () => status().state === "partial");
    deepStrictEqual(conditionsOf(running), [["busy", "warning", [{ about: PODS }]]]);
    deepStrictEqual(status().notReady, []);
    deepStrictEqual((await node.keys()).length, 2);
  } finally {
    clearInterval(mover);
  }
  await until("in step again", () => status().state === "in-step");
  await until("deleted", async () => (await node.keys()).length === 1);
  deepStrictEqual(running.lines, [
    "warning: a resource group has been too restless for more than a minute to tell what was " +
    "removed, and deletes in it wait; its directories are moved or made anew more often than " +
    `--settle-time: find out by what, or give a shorter one group=${PODS}`,
    `notice: no longer too restless group=${PODS}`,
  ]);
});
