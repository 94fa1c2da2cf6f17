import { strictEqual } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type DaemonProcess, startDaemon, SWIFT, until } from "../agent/_daemon.ts";
import { Dice } from "../conformance/dice.ts";
import { shown } from "../e2e/_contract.ts";
import { QUICK } from "../e2e/_node.ts";
import type { EdgekeydResult } from "../support/edgekeyd_process.ts";
import { testSeed } from "../support/seed.ts";
import { checkNoGhost, putRight, type Scene } from "./_after_kill.ts";
import { checkIdle, fullPass } from "./_daemon_pass.ts";
import { DoomedNode } from "./_doomed_node.ts";
import { type Flavour, FLAVOURS } from "./_flavours.ts";
import { killAt, MOMENTS, RANDOM } from "./_kill_points.ts";
import { KillTally } from "./_kill_tally.ts";
import { liveOnOneEtcd } from "./_one_etcd.ts";
import { Workload } from "./_workload.ts";

/** Daemons that have to die. */
const KILLS = Number(Deno.env.get("EDGEKEYD_TEST_DAEMON_KILLS") ?? 60);
/** A daemon dies while it recovers and makes its first pass, or while it follows the files. */
const PHASES = ["starting", "following"] as const;
/** Each moment in each phase, in turn. */
const KINDS = MOMENTS.flatMap((moment) => PHASES.map((phase) => ({ phase, moment })));
/** Changes that a daemon has to follow at the most; by then it has passed every point. */
const MAX_CHANGES = 60;

interface DoomedScene extends Scene {
  readonly node: DoomedNode;
  readonly dice: Dice;
}

Deno.test("kill -9 of the daemon while files change under it loses nothing and leaves nothing", async () => {
  const seed = testSeed();
  const tally = new KillTally();
  const each = Math.ceil(KILLS / FLAVOURS.length);
  const names = FLAVOURS.map(({ name }) => `kill-daemon-${name}`);
  await liveOnOneEtcd(names, async (server, etcd, name, index) => {
    using node = new DoomedNode(server, name);
    const dice = new Dice(seed + index);
    const scene = { node, etcd, dice, workload: new Workload(node, etcd, dice) };
    const flavour = FLAVOURS[index] ?? FLAVOURS[0];
    const from = index * each;
    for (let kill = from; kill < from + each; kill++) {
      const told = `seed ${seed}, ${flavour.name}, kill ${kill}`;
      try {
        tally.note(await killOne(scene, flavour, kill));
      } catch (error) {
        throw new Error(told, { cause: error });
      }
    }
    await using daemon = await startDaemon(node, flagsOf(flavour));
    await checkInStep(daemon, scene);
    const stopped = await daemon.stop();
    strictEqual(stopped.code, 0, shown(stopped));
  });
  tally.say(`seed ${seed}`);
  const kinds = KINDS.map(({ phase, moment }) => `${phase} ${moment}`);
  tally.expect(KILLS, KILLS < 2 * KINDS.length ? [] : kinds);
});

/**
 * Kills a daemon, looks at what is left, and now and then has a run of its own put that right
 * before the next daemon does.
 *
 * @returns what it met
 */
async function killOne(scene: DoomedScene, flavour: Flavour, kill: number): Promise<string> {
  const { node, workload, dice } = scene;
  const { phase, moment } = KINDS[kill % KINDS.length] ?? { phase: "starting", moment: RANDOM };
  if (dice.chance(70)) await workload.change();
  const { result, point } = phase === "starting"
    ? await killStarting(scene, flavour, moment)
    : await killFollowing(scene, flavour, moment);
  strictEqual(result.signal, "SIGKILL", shown(result));
  await checkNoGhost(node, workload.ours(await workload.held()), `${moment}\n${shown(result)}`);
  if (dice.chance(30)) {
    if (dice.chance(50)) await workload.change();
    const args = ["--reconcile", "-o", "json", "--confirm-deletes", ...QUICK, ...flavour.flags];
    await putRight(scene, args, dice.chance(30));
  }
  return `${phase} ${point}`;
}

interface Killed {
  readonly result: EdgekeydResult;
  /** What it met, which may have been the end of our patience. */
  readonly point: string;
}

async function killStarting(scene: DoomedScene, flavour: Flavour, moment: string): Promise<Killed> {
  const { node, dice } = scene;
  const listen = `--listen=unix:${node.root}/api.sock`;
  const env = moment === RANDOM ? {} : killAt(moment, dice);
  await using _ = node.start(["run", listen, ...flagsOf(flavour)], { env });
  // Deno's own start takes the first 300 ms.
  return await changeUntilDead(scene, moment, 300 + dice.below(700));
}

async function killFollowing(
  scene: DoomedScene,
  flavour: Flavour,
  moment: string,
): Promise<Killed> {
  const { node, dice } = scene;
  const env = moment === RANDOM ? {} : { ...killAt(moment, dice), ...node.spared() };
  await using daemon = await startDaemon(node, flagsOf(flavour), env);
  await checkInStep(daemon, scene);
  node.doom();
  return await changeUntilDead(scene, moment, dice.below(1_000));
}

/** Goes on changing files until the daemon is dead, for a random moment by a kill from outside. */
async function changeUntilDead(
  { node, workload, dice }: DoomedScene,
  moment: string,
  randomMs: number,
): Promise<Killed> {
  let point = moment;
  let dead = false;
  const result = node.ended().finally(() => dead = true);
  const timer = moment === RANDOM && setTimeout(() => node.agent.kill("SIGKILL"), randomMs);
  for (let changes = 0; !dead; changes++) {
    if (changes === MAX_CHANGES) {
      point = RANDOM;
      node.agent.kill("SIGKILL");
    }
    await workload.change();
    await sleep(dice.below(200));
  }
  if (timer) clearTimeout(timer);
  return { result: await result, point };
}

/** The daemon brings all in step by itself, and then finds nothing to do. */
async function checkInStep(daemon: DaemonProcess, { node, etcd, workload }: Scene): Promise<void> {
  await until("in step", async () => {
    const { heldBack } = await daemon.status();
    if (heldBack.length > 0) await fullPass(daemon);
    workload.check(await workload.held());
    return true;
  });
  const { report } = await fullPass(daemon);
  workload.checkConflicts(report.conflicts.map(({ key }) => key));
  workload.check(await workload.held());
  await checkIdle(daemon, etcd, node);
}

function flagsOf({ flags }: Flavour): string[] {
  return [...SWIFT, "--max-delete-percent=100", ...flags];
}
