import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { cpSync } from "node:fs";
import { Dice } from "../conformance/dice.ts";
import { expectExit, shown } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView, QUICK } from "../e2e/_node.ts";
import type { EdgekeydProcess, EdgekeydResult } from "../support/edgekeyd_process.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { type Link, startLink } from "./_link.ts";
import { say } from "../support/say.ts";
import { testSeed } from "../support/seed.ts";
import { Workload } from "./_workload.ts";

const RUN = ["--reconcile", "-o", "json", "--confirm-deletes", ...QUICK];
/** Many small Txns, so that a run is long enough for something to happen in it. */
const STAGED = ["--etcd-max-request-bytes=8192", "--etcd-timeout=500ms"];
/** What a run says that etcd was killed under; the link to it still takes connections. */
const WITHOUT_ETCD =
  /etcd at|can't reach etcd|ends each connection at once: .* check that etcd runs/;

interface Scene extends Disposable {
  readonly node: EdgeNode;
  readonly workload: Workload;
  readonly dice: Dice;
  /** Runs the agent to its end, which must be success, and checks everything. */
  settle(): Promise<EdgekeydResult>;
}

function setTheScene(server: EtcdServer, etcd: EtcdView, name: string): Scene {
  const seed = testSeed();
  const dice = new Dice(seed);
  const node = new EdgeNode(server, name);
  const workload = new Workload(node, etcd, dice, true);
  return {
    node,
    workload,
    dice,
    async settle() {
      const result = await node.run(RUN);
      try {
        expectExit(result, 0);
        workload.check(await etcd.keys(`${node.prefix}/`));
      } catch (error) {
        throw new Error(`seed ${seed}\n${shown(result)}`, { cause: error });
      }
      return result;
    },
    [Symbol.dispose]: () => node[Symbol.dispose](),
  };
}

/** Starts a run over a link, and waits until it has sent so much, or is done. */
async function startAndWait(scene: Scene, link: Link, bytes: number): Promise<EdgekeydProcess> {
  const goal = link.sentBytes() + bytes;
  const run = scene.node.start([...RUN, ...STAGED, `--etcd-servers=${link.endpoint}`]);
  let done = false;
  run.result.then(() => done = true, () => done = true);
  while (!done && link.sentBytes() < goal) await sleep(1);
  return run;
}

/** Somewhere between the first read and the last Txn. */
function somewhere(dice: Dice): number {
  return dice.chance(20) ? dice.below(1_000) : 1_000 + dice.below(24_000);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

Deno.test("etcd is killed in the middle of runs, and comes back", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  await using link = startLink(server.port);
  using scene = setTheScene(server, etcd, "etcd-killed");
  const { workload, dice } = scene;
  let failed = 0;
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 6; i++) await workload.change();
    await using run = await startAndWait(scene, link, somewhere(dice));
    await server.kill();
    if (dice.chance(50)) await sleep(dice.below(1_000));
    await server.start();
    const result = await run.result;
    if (result.code !== 0) expectExit(result, 1, WITHOUT_ETCD);
    failed += result.code;
    if (dice.chance(50)) await workload.change();
    await scene.settle();
  }
  say(`10 kills of etcd, ${failed} runs did not get over it by themselves`);
});

Deno.test("etcd is stopped for longer than the deadline, and goes on with what it had got", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  await using link = startLink(server.port);
  using scene = setTheScene(server, etcd, "etcd-stopped");
  const { workload, dice } = scene;
  let failed = 0;
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 6; i++) await workload.change();
    await using run = await startAndWait(scene, link, somewhere(dice));
    await server.kill("SIGSTOP");
    const result = await run.result;
    await server.kill("SIGCONT");
    if (result.code !== 0) expectExit(result, 1, /did not answer in time|no connection in time/);
    failed += result.code;
    if (dice.chance(50)) await workload.change();
    await scene.settle();
  }
  ok(failed > 0);
  say(`6 stops of etcd, ${failed} met a run`);
});

Deno.test("an etcd that comes back empty is filled again", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  await using link = startLink(server.port);
  using scene = setTheScene(server, etcd, "etcd-wiped");
  const { workload, dice } = scene;
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 4; i++) await workload.change();
    if (round % 2 === 0) await scene.settle();
    else {
      // In the middle of a run.
      await using run = await startAndWait(scene, link, somewhere(dice));
      await server.kill();
      await server.start();
      await run.result;
    }
    await server.kill();
    await server.start({ wipe: true });
    if (dice.chance(50)) await workload.change();
    const result = await scene.settle();
    if (round % 2 === 0) match(result.stderr, /note: etcd came back empty or older/);
  }
});

Deno.test("an etcd restored from an old copy of its data is brought up to date, deletes too", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using scene = setTheScene(server, etcd, "etcd-restored");
  const { node, workload, dice } = scene;
  const copies = Deno.makeTempDirSync({ prefix: "edgekeyd-copies-" });
  let redone = 0;
  try {
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 4; i++) await workload.change();
      await scene.settle();
      await server.kill();
      cpSync(server.dataDir, `${copies}/${round}`, { recursive: true });
      await server.start();
      for (let runs = 1 + dice.below(3); runs > 0; runs--) {
        for (let i = 0; i < 2; i++) await workload.change();
        await scene.settle();
      }
      if (dice.chance(30)) {
        // With a Txn pending.
        await workload.change();
        const main = new URL("agent_with_kill_points.ts", import.meta.url).pathname;
        await node.run(RUN, { main, env: { KILL_POINT: "txn-after:1" } });
      }
      await server.kill();
      Deno.removeSync(server.dataDir, { recursive: true });
      // Of whichever time; also of one that an earlier restore has undone.
      cpSync(`${copies}/${dice.below(round + 1)}`, server.dataDir, { recursive: true });
      await server.start();
      // Others' writes take it past the last revision that the agent saw.
      if (dice.chance(50)) {
        for (let i = 0; i < 60; i++) await etcd.put("/somebody/else", `${i}`);
      }
      if (dice.chance(50)) await workload.change();
      const result = await scene.settle();
      match(result.stderr, /note: etcd came back empty or older/);
      redone += JSON.parse(result.stdout).deleted;
      const again = await scene.settle();
      strictEqual(JSON.parse(again.stdout).txns, 0);
    }
  } finally {
    Deno.removeSync(copies, { recursive: true });
  }
  ok(redone > 0, "no restore went across a delete");
  say(`6 restores, ${redone} deletes made again`);
});

Deno.test("a key that another deleted and we let go does not come back with a restore", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server, "let-go");
  const objects = ["deleted", "changed", "kept"];
  for (const name of objects) node.write(`kubelet/configmaps.v1.core/default/${name}`);
  expectExit(await node.run(RUN), 0);
  await server.kill();
  cpSync(server.dataDir, `${node.root}/copy`, { recursive: true });
  await server.start();
  const path = `${node.prefix}/configmaps/default`;
  {
    using etcd = new EtcdView(server);
    await etcd.raw.kv.deleteRange({ key: Buffer.from(`${path}/deleted`) });
    await etcd.put(`${path}/changed`, "k8s\0 an apiserver's");
  }
  for (const name of ["deleted", "changed"]) {
    node.remove(`kubelet/configmaps.v1.core/default/${name}`);
  }
  node.write("kubelet/configmaps.v1.core/default/new");
  // What another changed is left, and said.
  expectExit(await node.run(RUN), 3, /changed in etcd by another/);
  await server.kill();
  Deno.removeSync(server.dataDir, { recursive: true });
  cpSync(`${node.root}/copy`, server.dataDir, { recursive: true });
  await server.start();
  const restored = await node.run(RUN);
  expectExit(restored, 0);
  strictEqual(JSON.parse(restored.stdout).deleted, 2);
  using etcd = new EtcdView(server);
  deepStrictEqual([...(await etcd.keys(`${path}/`)).keys()], [`${path}/kept`, `${path}/new`]);
});
