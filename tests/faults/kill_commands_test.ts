import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Dice } from "../conformance/dice.ts";
import { expectExit, shown } from "../e2e/_contract.ts";
import { EdgeNode, type EtcdView, objectBytes } from "../e2e/_node.ts";
import type { EdgekeydResult } from "../support/edgekeyd_process.ts";
import { testSeed } from "../support/seed.ts";
import { checkNoGhost, modsOf } from "./_after_kill.ts";
import { type Command, COMMANDS, KEYS, writeFiles } from "./_commands.ts";
import { killAtRandom, RANDOM, WITH_KILL_POINTS } from "./_kill_points.ts";
import { KillTally } from "./_kill_tally.ts";
import { liveOnOneEtcd } from "./_one_etcd.ts";

/** A command may be done before a random moment comes. */
const MAX_TRIES = 5;
const AIMS = COMMANDS.map((command) => [...command.points, RANDOM]);

interface Scene {
  readonly node: EdgeNode;
  readonly etcd: EtcdView;
  readonly dice: Dice;
  readonly command: Command;
}

Deno.test("kill -9 under a command that deletes by name or takes over: again, and it is done", async () => {
  const seed = testSeed();
  const tally = new KillTally();
  const names = COMMANDS.map(({ name }) => `kill-${name}`);
  await liveOnOneEtcd(names, async (server, etcd, name, index) => {
    const command = COMMANDS[index];
    ok(command);
    using node = new EdgeNode(server, name);
    const scene = { node, etcd, command, dice: new Dice(seed + index) };
    await etcd.put(`${node.prefix}/pods/default/apiserver`, "k8s\0 an apiserver's");
    const other = objectBytes("any/pods.v1.core/default/other-node");
    await etcd.put(`${node.prefix}/pods/default/other-node`, other);
    for (const moment of AIMS[index] ?? []) {
      try {
        for (let tries = 0; !await killOne(scene, moment, tries); tries++) {
          ok(moment === RANDOM && tries < MAX_TRIES, "it came to its end");
        }
      } catch (error) {
        throw new Error(`seed ${seed}, ${command.name}, ${moment}`, { cause: error });
      }
      tally.note(kindOf(command, moment));
    }
  });
  tally.say(`seed ${seed}`);
  const kinds = COMMANDS.flatMap((command, index) =>
    (AIMS[index] ?? []).map((moment) => kindOf(command, moment))
  );
  tally.expect(AIMS.flat().length, kinds);
});

/**
 * @param tries how often it was done too early: the later, the sooner it is killed
 * @returns whether the command was killed, not done before
 */
async function killOne(
  { node, etcd, dice, command }: Scene,
  moment: string,
  tries: number,
): Promise<boolean> {
  writeFiles(node);
  const first = await node.reconcile("--rejoin");
  expectExit(first, 0);
  const args = await command.prepare(node, etcd);
  const gone = command.goes.map((key) => `${node.prefix}/${key}`);
  const before = await etcd.keys(`${node.prefix}/`);
  const stays = [...before].filter(([key]) => !gone.includes(key));

  const killed = moment === RANDOM
    ? await killAtRandom(node, args, dice, first.durationMs / (1 + tries))
    : await node.run(args, { env: { KILL_POINT: moment }, main: WITH_KILL_POINTS });
  if (killed.signal === null) expectExit(killed, 0);
  const held = await etcd.keys(`${node.prefix}/`);
  const left = gone.filter((key) => held.has(key));
  const isWhole = left.length === gone.length || (left.length === 0 && !command.later);
  ok(isWhole, `half of it is left: ${left}\n${shown(killed)}`);
  const ours = KEYS.map((key) => `${node.prefix}/${key}`).filter((key) => held.has(key));
  await checkNoGhost(node, ours, shown(killed));

  // The next run to come may be another's.
  if (dice.chance(50)) expectExit(await node.reconcile("--confirm-deletes", "--rejoin"), 0);
  const again = await node.run(args);
  expectExit(again, 0);
  if (command.later) expectExit(await node.reconcile("--confirm-deletes"), 0);
  deepStrictEqual([...await etcd.keys(`${node.prefix}/`)], stays, shown(again));
  const fence = await etcd.keys(`/edgekeyd/${node.name}/`);
  strictEqual(fence.size, command.leaves ? 0 : 1);
  await checkIdle(node, etcd, () => node.run(args));
  if (!command.leaves && dice.chance(30)) await checkIdle(node, etcd, () => node.reconcile());
  return killed.signal !== null;
}

async function checkIdle(
  node: EdgeNode,
  etcd: EtcdView,
  run: () => Promise<EdgekeydResult>,
): Promise<void> {
  const mods = await modsOf(etcd, node);
  const result = await run();
  expectExit(result, 0);
  deepStrictEqual(await modsOf(etcd, node), mods, `changes something\n${shown(result)}`);
}

function kindOf({ name }: Command, moment: string): string {
  return `${name} ${moment}`;
}
