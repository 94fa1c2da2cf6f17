import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Agent, makeLog } from "../../lib/agent/mod.ts";
import { clock } from "../../lib/cli/session.ts";
import { watchCache } from "../../lib/fscache/mod.ts";
import { World } from "../reconcile/_world.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { until } from "./_daemon.ts";

Deno.test("a backup that a dead yurthub left is a warning after a minute, until it is gone", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  const { files, node } = world;
  for (const name of ["a", "b"]) files.put(`kubelet/pods.v1.core/default/${name}`);
  files.put("kubelet/nodes.v1.core/edge-1");
  // yurthub has moved the list away, has written one file of the new one, and died.
  const pods = "kubelet/pods.v1.core";
  const backup = "kubelet/tmp_pods.v1.core";
  files.rename(pods, backup);
  files.put(`${pods}/default/a`);
  // Whoever runs the agent closes it here.
  const { cache } = node;
  const close = cache.close.bind(cache);
  cache.close = () => {};
  let aheadMs = 0;
  const options = world.options();
  const lines: string[] = [];
  const agent = new Agent(
    {
      reconcile: {
        ...options,
        source: { ...options.source, settleMs: 50 },
      },
      setup: { endpoints: [], stateDir: "", settings: {} },
      debounceMs: 20,
      resyncIntervalMs: 600_000,
      retryMaxMs: 100,
      beatMs: 100,
    },
    {
      clock: { ...clock, ...world.clock, monotonicMs: () => performance.now() + aheadMs },
      openCache: () => Promise.resolve(cache),
      checkFiles: () => {},
      connect: () => Promise.resolve(node.etcd),
      credentials: () => "",
      store: (_, etcd) => ({ ...node.context, etcd }),
      log: makeLog("text", (line) => lines.push(line), () => new Date()),
      watch: (hint) => watchCache(files.root, hint),
      identifyRoot: () => files.root,
      beat() {},
      changed() {},
      random: () => 0,
    },
    cache,
  );
  const status = () => agent.known;
  const looks = async (count: number) => {
    let since = agent.health;
    let seen = 0;
    await until("looked at", () => {
      if (agent.health !== since) seen++;
      since = agent.health;
      return seen >= count;
    });
  };
  const running = agent.run();
  try {
    await until("in step", () => status().state === "in-step");
    await looks(3);
    deepStrictEqual(agent.conditions, []);
    aheadMs = 61_000;
    await until("half rewritten", () => status().state === "partial");
    deepStrictEqual(status().halfRewritten, [pods]);
    deepStrictEqual(status().notReady, []);
    deepStrictEqual(
      status().conditions.map(({ condition, kind, items }) => [condition, kind, items]),
      [["half-rewritten", "warning", [{ about: pods }]]],
    );
    await looks(3);
    files.remove(backup);
    await until("in step again", () => status().state === "in-step");
    strictEqual(status().halfRewritten, undefined);
    await until("deleted", async () => !(await node.keys()).includes("/pods/default/b"));
  } finally {
    agent.stop();
    await running;
    cache.close = close;
  }
  deepStrictEqual(lines.filter((line) => !line.startsWith("info: ")), [
    "warning: a resource group has been half rewritten for more than a minute, and deletes in it " +
    "wait; yurthub puts its backup (tmp_…) back when it starts; do that by hand if it is not at " +
    `work group=${pods}`,
    `notice: no longer half rewritten group=${pods}`,
  ]);
});
