import { fromFileUrl } from "@std/path";
import type { Dice } from "../conformance/dice.ts";
import type { EdgeNode } from "../e2e/_node.ts";
import type { EdgekeydResult } from "../support/edgekeyd_process.ts";

/** The program that ends itself at the point that KILL_POINT names. */
export const WITH_KILL_POINTS = fromFileUrl(new URL("agent_with_kill_points.ts", import.meta.url));

/** The moment of a kill from outside. */
export const RANDOM = "random";

/** A named point, and how often a run that changes little passes it. */
type Point = readonly [name: string, times: number];
const POINTS: readonly [Point, ...Point[]] = [
  ["txn-before", 1],
  ["txn-during", 1],
  ["txn-after", 1],
  ["range-before", 3],
  ["range-after", 3],
  ["commit-before", 2],
  ["commit-during", 2],
  ["commit-after", 2],
  ["file-before", 3],
  ["directory-after", 6],
];

/** Every moment at which a run that follows the files can be killed. */
export const MOMENTS: readonly string[] = [RANDOM, ...POINTS.map(([name]) => name)];

/** A named point by dice. */
export function pickPoint(dice: Dice): string {
  return dice.pick(POINTS)[0];
}

/**
 * The environment that makes an agent end itself at a named point.
 *
 * @param point its name
 * @param dice how often the agent gets past it before
 * @param beyondPercent in so many cases perhaps more often than a run passes it
 */
export function killAt(
  point: string,
  dice: Dice,
  beyondPercent = 25,
): { readonly KILL_POINT: string } {
  const times = POINTS.find(([name]) => name === point)?.[1] ?? 1;
  const nth = 1 + dice.below(dice.chance(beyondPercent) ? 3 * times : times);
  return { KILL_POINT: `${point}:${nth}` };
}

/**
 * Runs a command and kills it somewhere, unless it is done before.
 *
 * @param node where
 * @param args its command line
 * @param dice where
 * @param fullRunMs how long such a run takes
 */
export async function killAtRandom(
  node: EdgeNode,
  args: readonly string[],
  dice: Dice,
  fullRunMs: number,
): Promise<EdgekeydResult> {
  await using run = node.start(args);
  // The first third of a run is Deno's own start.
  const delayMs = fullRunMs * (33 + dice.below(67)) / 100;
  const timer = setTimeout(() => run.kill("SIGKILL"), delayMs);
  const result = await run.result;
  clearTimeout(timer);
  return result;
}
