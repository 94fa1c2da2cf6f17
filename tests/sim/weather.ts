import type { Prng } from "./prng.ts";

/**
 * How likely each fault is, each time that it could happen. A fault is made where the agent meets it
 * (`environment.ts`, `faulty_etcd.ts`, `torn_kv.ts`), is counted in `marks.ts`, and what the agent
 * can't know for it is told to `node_model.ts`, which the checkers go by.
 */
export interface Weather {
  readonly crash: number;
  readonly answerLost: number;
  readonly requestLost: number;
  readonly late: number;
  readonly refused: number;
  readonly mixedUp: number;
  readonly leaderChange: number;
  readonly denied: number;
  readonly kvFull: number;
  readonly kvUnsure: number;
  readonly compaction: number;
  readonly foreign: number;
  readonly churn: number;
  readonly killYurthub: number;
  readonly unreadable: number;
  readonly rootGone: number;
  readonly clockJump: number;
  readonly reset: number;
  readonly restore: number;
  readonly noSpace: number;
  readonly cacheLost: number;
  readonly rollBack: number;
  readonly twin: number;
  readonly staleVersion: number;
  readonly rebuild: number;
  readonly cloudRestore: number;
  readonly watchLost: number;
  readonly narrow: number;
  readonly etcdEventLate: number;
  readonly etcdWatchDead: number;
  readonly update: number;
  readonly blink: number;
  readonly overtaken: number;
}

/** The most that each fault may be drawn to. */
const WORST: Weather = {
  crash: 0.04,
  answerLost: 0.15,
  requestLost: 0.1,
  late: 0.12,
  refused: 0.05,
  mixedUp: 0.02,
  leaderChange: 0.02,
  denied: 0.02,
  kvFull: 0.03,
  kvUnsure: 0.03,
  compaction: 0.1,
  foreign: 0.08,
  churn: 0.3,
  killYurthub: 0.1,
  unreadable: 0.15,
  rootGone: 0.04,
  clockJump: 0.1,
  reset: 0.012,
  restore: 0.03,
  noSpace: 0.03,
  cacheLost: 0.08,
  rollBack: 0.1,
  twin: 0.1,
  staleVersion: 0.3,
  rebuild: 0.05,
  cloudRestore: 0.1,
  watchLost: 0.02,
  narrow: 0.6,
  etcdEventLate: 0.3,
  etcdWatchDead: 0.03,
  update: 0.6,
  blink: 0.3,
  overtaken: 0.03,
};

const NONE_AT_ALL = 0.45;

/**
 * Draws the weather of a run: about half of the faults do not occur in it at all, so that the
 * others meet a world in which they can unfold.
 */
export function drawWeather(prng: Prng): Weather {
  const weather: Record<keyof Weather, number> = { ...WORST };
  for (const fault of Object.keys(WORST) as (keyof Weather)[]) {
    weather[fault] = prng.chance(NONE_AT_ALL) ? 0 : WORST[fault] * prng.between(10, 100) / 100;
  }
  return weather;
}

/** No fault at all. */
export const CALM: Weather = Object.fromEntries(
  Object.keys(WORST).map((fault) => [fault, 0]),
) as unknown as Weather;
