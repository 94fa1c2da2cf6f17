import { ok } from "node:assert/strict";
import { Dice } from "../conformance/dice.ts";
import { EdgeNode, type FoundKey, QUICK } from "../e2e/_node.ts";
import type { EdgekeydResult } from "../support/edgekeyd_process.ts";
import { testSeed } from "../support/seed.ts";
import { checkNoGhost, expectDone, putRight, type Scene } from "./_after_kill.ts";
import { type Flavour, FLAVOURS } from "./_flavours.ts";
import {
  killAt,
  killAtRandom,
  MOMENTS,
  pickPoint,
  RANDOM,
  WITH_KILL_POINTS,
} from "./_kill_points.ts";
import { KillTally } from "./_kill_tally.ts";
import { liveOnOneEtcd } from "./_one_etcd.ts";
import { Workload } from "./_workload.ts";

/** Runs that have to die; each is followed by a run that must put everything right. */
const KILLS = Number(Deno.env.get("EDGEKEYD_TEST_KILLS") ?? 204);
/** Every so many rounds a run more must find nothing to do. */
const IDLE_EVERY = 3;

Deno.test("kill -9 at random moments and at named points loses nothing and leaves nothing", async () => {
  const seed = testSeed();
  const tally = new KillTally();
  await liveOnOneEtcd(
    FLAVOURS.map(({ name }) => `kill-${name}`),
    async (server, etcd, name, index) => {
      using node = new EdgeNode(server, name);
      const dice = new Dice(seed + index);
      const workload = new Workload(node, etcd, dice);
      await live({ node, etcd, workload }, dice, FLAVOURS[index] ?? FLAVOURS[0], seed, tally);
    },
  );
  tally.say(`seed ${seed}`);
  // It takes so many throws of the dice to meet each of them.
  tally.expect(KILLS, KILLS < 200 ? [] : MOMENTS);
});

/** One node's life: files change, its agent is killed, files change, it runs to its end. */
async function live(
  scene: Scene,
  dice: Dice,
  flavour: Flavour,
  seed: number,
  tally: KillTally,
): Promise<void> {
  const { node, workload } = scene;
  const args = ["--reconcile", "-o", "json", "--confirm-deletes", ...QUICK, ...flavour.flags];
  let kills = 0;
  let fullRunMs = 500;
  for (let round = 0; kills < KILLS / FLAVOURS.length; round++) {
    const told = `seed ${seed}, ${flavour.name}, round ${round}`;
    for (let again = true; again; again = dice.chance(45)) {
      await change(workload, round, dice);
      const before = await workload.held();
      const { point, result } = await runAndKill(node, args, dice, fullRunMs);
      if (result.signal === null) {
        expectDone(result, workload);
        continue;
      }
      kills++;
      tally.note(point);
      const held = await workload.held();
      await checkNoGhost(node, workload.ours(held), `${told}, ${point}`);
      if (flavour.name === "one-txn") checkAtomic(before, held, `${told}, ${point}`);
    }
    if (dice.chance(70)) await change(workload, round, dice);
    const idle = round % IDLE_EVERY === 0;
    try {
      fullRunMs = (await putRight(scene, args, idle)).durationMs;
    } catch (error) {
      throw new Error(told, { cause: error });
    }
  }
}

async function change(workload: Workload, round: number, dice: Dice): Promise<void> {
  if (round % 15 === 14 && dice.chance(50)) workload.clear();
  await workload.change();
}

/** Runs the agent so that it dies, unless it is done before. */
async function runAndKill(
  node: EdgeNode,
  args: readonly string[],
  dice: Dice,
  fullRunMs: number,
): Promise<{ point: string; result: EdgekeydResult }> {
  if (dice.chance(25)) {
    return { point: RANDOM, result: await killAtRandom(node, args, dice, fullRunMs) };
  }
  const point = pickPoint(dice);
  const env = killAt(point, dice);
  return { point, result: await node.run(args, { env, main: WITH_KILL_POINTS }) };
}

/** All of a plan that fits one Txn is there, at one revision, or none of it. */
function checkAtomic(
  before: ReadonlyMap<string, FoundKey>,
  held: ReadonlyMap<string, FoundKey>,
  told: string,
): void {
  const mods = new Set(
    [...held].filter(([key, { mod }]) => before.get(key)?.mod !== mod).map(([, { mod }]) => mod),
  );
  ok(mods.size <= 1, `${told}: half a plan is in etcd`);
}
