import { fromFileUrl } from "@std/path";
import type { Dice } from "../conformance/dice.ts";

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
  ["range-before", 4],
  ["range-after", 4],
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
 * The environment that makes an agent end itself at a named point: mostly one that a run passes,
 * now and then one beyond its end.
 *
 * @param point its name
 * @param dice how often the agent gets past it before
 */
export function killAt(point: string, dice: Dice): { readonly KILL_POINT: string } {
  const times = POINTS.find(([name]) => name === point)?.[1] ?? 1;
  const nth = 1 + dice.below(dice.chance(75) ? times : 3 * times);
  return { KILL_POINT: `${point}:${nth}` };
}
