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

/** Where an agent is to end itself: the point, and its whole text for KILL_POINT. */
export interface KillPoint {
  readonly point: string;
  readonly text: string;
}

/** A named point by dice: mostly one that a run passes, now and then one beyond its end. */
export function pickPoint(dice: Dice): KillPoint {
  const [point, times] = dice.pick(POINTS);
  const nth = 1 + dice.below(dice.chance(75) ? times : 3 * times);
  return { point, text: `${point}:${nth}` };
}
