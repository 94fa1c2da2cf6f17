import { ok, strictEqual } from "node:assert/strict";
import { Dice } from "../conformance/dice.ts";
import { expectExit, shown } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView, QUICK } from "../e2e/_node.ts";
import { startCluster } from "./_cluster.ts";
import { say } from "../support/say.ts";
import { testSeed } from "../support/seed.ts";
import { Workload } from "./_workload.ts";

const ROUNDS = 6;
/** So many runs may meet one: on a busy machine they last. */
const ELECTIONS = 3;
/** Small Txns, so that a run takes long enough to lose its leader. */
const RUN = ["--reconcile", "-o", "json", "--confirm-deletes", ...QUICK];
const STAGED = ["--etcd-max-request-bytes=4096"];

Deno.test("three members, the leader is killed under load: nothing is lost or done twice", async () => {
  await using cluster = await startCluster();
  const seed = testSeed();
  const dice = new Dice(seed);
  using node = new EdgeNode(cluster.endpoints, "pool");
  const [first] = cluster.members;
  ok(first);
  using etcd = new EtcdView(first);
  const workload = new Workload(node, etcd, dice, true);
  let failed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < 15; i++) await workload.change();
    const before = BigInt(await etcd.revision());
    await using run = node.start([...RUN, ...STAGED]);
    // The run is under way once its first Txns show.
    const wanted = before + BigInt(1 + dice.below(8));
    const leader = await cluster.leader();
    let done = false;
    run.result.then(() => done = true, () => done = true);
    while (!done && BigInt(await etcd.revision()) < wanted) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await leader.kill();
    const result = await run.result;
    failed += result.code;
    if (dice.chance(50)) await workload.change();
    // Two of three are a majority: the agent must get on without the third.
    let healed = await node.run(RUN);
    for (let election = 0; healed.code === 1 && election < ELECTIONS; election++) {
      expectExit(healed, 1, /etcd at/);
      healed = await node.run(RUN);
    }
    try {
      expectExit(healed, 0);
      await leader.start();
      workload.check(await etcd.keys(`${node.prefix}/`));
      const idle = await node.run(RUN);
      expectExit(idle, 0);
      strictEqual(JSON.parse(idle.stdout).txns, 0);
    } catch (error) {
      throw new Error(`seed ${seed}, round ${round}\n${shown(result)}\n${shown(healed)}`, {
        cause: error,
      });
    }
  }
  say(`${ROUNDS} leaders killed, ${failed} runs did not get over it by themselves`);
});
