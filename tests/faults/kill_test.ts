import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { Dice } from "../conformance/dice.ts";
import { shown } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView, type FoundKey, QUICK } from "../e2e/_node.ts";
import type { EdgekeydResult } from "../support/edgekeyd_process.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { say } from "../support/say.ts";
import { knownKeys } from "./_state_copy.ts";
import { Workload } from "./_workload.ts";

/** Runs that have to die; each is followed by a run that must put everything right. */
const KILLS = Number(Deno.env.get("EDGEKEYD_TEST_KILLS") ?? 204);
/** Agents at a time, each a node of its own on the one etcd. */
const NODES = 4;
const WITH_KILL_POINTS = fromFileUrl(new URL("agent_with_kill_points.ts", import.meta.url));
/** Named points, and how often a run that changes little passes them. */
const POINTS: readonly [Point, ...Point[]] = [
  ["txn-before", 1],
  ["txn-during", 1],
  ["txn-after", 1],
  ["range-before", 4],
  ["range-after", 4],
  ["commit-before", 2],
  ["commit-during", 2],
  ["commit-after", 2],
  ["file-before", 3],
  ["directory-after", 6],
];
type Point = readonly [name: string, times: number];
/** Every so many rounds a run more must find nothing to do. */
const IDLE_EVERY = 3;

/** How a node's agent is started. Small limits cut a plan into many Txns and many intents. */
const FLAVOURS = [
  { name: "one-txn", flags: [] },
  { name: "staged", flags: ["--etcd-max-request-bytes=8192"] },
  { name: "few-ops", flags: ["--etcd-max-txn-ops=6"] },
  { name: "skip", flags: ["--conflict-policy=skip"] },
] as const;

Deno.test("kill -9 at random moments and at named points loses nothing and leaves nothing", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  await etcd.put("/somebody/else", "untouched");
  const seed = Number(Deno.env.get("EDGEKEYD_TEST_SEED") ?? Date.now() % 1_000_000);
  const tally = new Map<string, number>();
  await Promise.all(
    Array.from({ length: NODES }, (_, index) => live(server, etcd, index, seed, tally)),
  );
  const outside = await etcd.keys("/");
  const names = Array.from({ length: NODES }, (_, index) => nameOf(index));
  for (const name of names) {
    for (const key of outside.keys()) {
      if (key.startsWith(`/${name}/registry/`) || key === `/edgekeyd/${name}/fence`) {
        outside.delete(key);
      }
    }
  }
  deepStrictEqual([...outside.keys()], ["/somebody/else"]);
  const kills = [...tally.values()].reduce((sum, count) => sum + count, 0);
  say(
    `seed ${seed}: ${kills} kills: ${[...tally].sort().map((e) => e.join(" ")).join(", ")}`,
  );
  ok(kills >= KILLS);
  // It takes so many throws of the dice to meet each of them.
  if (KILLS < 200) return;
  for (const point of ["random", ...POINTS.map(([name]) => name)]) {
    ok(tally.has(point), `never met: ${point}`);
  }
});

/** One node's life: files change, its agent is killed, files change, it runs to its end. */
async function live(
  server: EtcdServer,
  etcd: EtcdView,
  index: number,
  seed: number,
  tally: Map<string, number>,
): Promise<void> {
  const dice = new Dice(seed + index);
  const flavour = FLAVOURS[index % FLAVOURS.length] ?? FLAVOURS[0];
  using node = new EdgeNode(server, nameOf(index));
  const workload = new Workload(node, etcd, dice);
  const args = ["--reconcile", "-o", "json", "--confirm-deletes", ...QUICK, ...flavour.flags];
  let kills = 0;
  let fullRunMs = 500;
  for (let round = 0; kills < KILLS / NODES; round++) {
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
      tally.set(point, (tally.get(point) ?? 0) + 1);
      const held = await workload.held();
      await checkNoGhost(node, workload.ours(held), `${told}, ${point}`);
      if (flavour.name === "one-txn") checkAtomic(before, held, `${told}, ${point}`);
    }
    if (dice.chance(70)) await change(workload, round, dice);
    const healed = await node.run(args);
    fullRunMs = healed.durationMs;
    try {
      expectDone(healed, workload);
      const held = await etcd.keys(`${node.prefix}/`);
      workload.check(held);
      if (round % IDLE_EVERY !== 0) continue;
      const revisions = await modsOf(etcd, node);
      const idle = await node.run(args);
      expectDone(idle, workload);
      deepStrictEqual(await modsOf(etcd, node), revisions, "a second run changes nothing");
      strictEqual(JSON.parse(idle.stdout).txns, 0);
    } catch (error) {
      throw new Error(`${told}\n${shown(healed)}`, { cause: error });
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
    await using run = node.start(args);
    // The first third of a run is Deno's own start.
    const delayMs = fullRunMs * (33 + dice.below(67)) / 100;
    const timer = setTimeout(() => run.kill("SIGKILL"), delayMs);
    const result = await run.result;
    clearTimeout(timer);
    return { point: "random", result };
  }
  const [point, times] = dice.pick(POINTS);
  const nth = 1 + dice.below(dice.chance(75) ? times : 3 * times);
  const env = { KILL_POINT: `${point}:${nth}` };
  return { point, result: await node.run(args, { env, main: WITH_KILL_POINTS }) };
}

/** At no point may a key of ours be in etcd and in neither the cache nor the pending intent. */
async function checkNoGhost(node: EdgeNode, keys: readonly string[], told: string): Promise<void> {
  const { rows, pending } = await knownKeys(node);
  const ghosts = keys.filter((key) => !rows.has(key) && !pending.has(key));
  deepStrictEqual(ghosts, [], told);
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

function expectDone(result: EdgekeydResult, workload: Workload): void {
  ok(result.code === 0 || result.code === 3, shown(result));
  const told: { key: string }[] = JSON.parse(result.stdout).conflicts;
  strictEqual(result.code, told.length > 0 ? 3 : 0, shown(result));
  workload.checkConflicts(told.map(({ key }) => key));
}

async function modsOf(etcd: EtcdView, node: EdgeNode): Promise<[string, string][]> {
  const keys = [
    ...await etcd.keys(`${node.prefix}/`),
    ...await etcd.keys(`/edgekeyd/${node.name}/`),
  ];
  return keys.map(([key, { mod }]) => [key, mod]);
}

function nameOf(index: number): string {
  return `kill-${index}`;
}
