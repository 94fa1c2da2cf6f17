import type { Prng } from "./prng.ts";

/** A fault. */
interface Fault {
  /** The most that its chance may be drawn to, each time that it could happen. */
  readonly worst: number;
  /** What a set of runs must have met of it at least once, or it proves nothing. */
  readonly marks: readonly string[];
}

/**
 * All faults. A fault is made where the agent meets it: `faulty_etcd.ts` and `late_events.ts` for
 * etcd, `torn_kv.ts` for the component-key cache, `environment.ts` and `moments.ts` for the rest.
 * What the agent can't know for it is told to `node_model.ts`, which the checkers go by.
 */
const FAULTS = {
  crash: {
    worst: 0.04,
    marks: [
      "crash before a call to etcd",
      "crash after a call to etcd",
      "crash before a KV commit",
      "crash after a KV commit",
      "crash while a KV commit was under way",
      "bump, then a crash before the intent was cleared",
      "intent torn between its atomics",
      "outcome torn between its atomics",
    ],
  },
  answerLost: {
    worst: 0.15,
    marks: ["answer lost, Txn applied", "guard failed and the answer lost"],
  },
  requestLost: { worst: 0.1, marks: ["answer lost, Txn not applied"] },
  late: {
    worst: 0.12,
    marks: [
      "late Txn applied",
      "late Txn applied after a restart",
      "late Txn killed by a bump",
      "late Txn met another fence",
    ],
  },
  refused: { worst: 0.05, marks: ["connection refused"] },
  mixedUp: { worst: 0.02, marks: ["answer to another request"] },
  leaderChange: { worst: 0.02, marks: ["leader change"] },
  denied: {
    worst: 0.02,
    marks: ["permission denied", "token expired or revoked", "certificate not taken"],
  },
  kvFull: { worst: 0.03, marks: ["disk full at a KV commit"] },
  kvUnsure: { worst: 0.03, marks: ["KV commit reported as failed, yet there"] },
  compaction: { worst: 0.1, marks: ["compaction between pages"] },
  foreign: {
    worst: 0.08,
    marks: [
      "foreign put: importer's, newer",
      "foreign put: importer's, older",
      "foreign put: an apiserver's",
      "foreign delete",
    ],
  },
  churn: {
    worst: 0.3,
    marks: [
      "directory renamed or removed during the walk",
      "file caught empty or half written",
      "backup stood in for a rewrite",
    ],
  },
  killYurthub: { worst: 0.1, marks: ["yurthub killed in mid-rewrite"] },
  unreadable: { worst: 0.15, marks: ["directory not readable"] },
  rootGone: { worst: 0.04, marks: ["cache root gone"] },
  clockJump: { worst: 0.1, marks: ["wall clock jumped"] },
  reset: {
    worst: 0.012,
    marks: [
      "etcd reset to empty",
      "etcd reset under a group pass or an operation whose answer was lost",
    ],
  },
  restore: {
    worst: 0.03,
    marks: [
      "etcd restored to an older revision",
      "etcd restored between two pages",
      "restore across a delete",
      "restore to a history that was undone",
      "restore regrown past the last seen revision",
    ],
  },
  noSpace: { worst: 0.03, marks: ["NOSPACE", "no space after the Txn was applied"] },
  cacheLost: { worst: 0.08, marks: ["cache lost"] },
  rollBack: { worst: 0.1, marks: ["cache rolled back"] },
  twin: { worst: 0.1, marks: ["two lives on one fence"] },
  staleVersion: { worst: 0.3, marks: ["older copy in one component"] },
  rebuild: { worst: 0.05, marks: ["cloud rebuilt"] },
  cloudRestore: { worst: 0.1, marks: ["cloud restored from a backup"] },
  watchLost: { worst: 0.02, marks: ["watch lost"] },
  narrow: { worst: 0.6, marks: ["flags that leave something out"] },
  etcdEventLate: { worst: 0.3, marks: ["event of etcd's late"] },
  etcdWatchDead: { worst: 0.03, marks: ["event of etcd's lost"] },
  update: { worst: 0.6, marks: ["file updated during a listing"] },
  blink: { worst: 0.3, marks: ["directory away for a moment"] },
  overtaken: { worst: 0.03, marks: ["file overtaken within a tick of its clock"] },
} as const satisfies Readonly<Record<string, Fault>>;

const NAMES = Object.keys(FAULTS) as (keyof typeof FAULTS)[];

/** How likely each fault is, each time that it could happen. */
export type Weather = { readonly [Name in keyof typeof FAULTS]: number };

/** A mark of a fault. */
export type FaultMark = typeof FAULTS[keyof typeof FAULTS]["marks"][number];

/** What each fault shows itself by. */
export const FAULT_MARKS: readonly FaultMark[] = Object.values(FAULTS).flatMap(({ marks }) =>
  marks
);

const NONE_AT_ALL = 0.45;

/**
 * Draws the weather of a run: about half of the faults do not occur in it at all, so that the
 * others meet a world in which they can unfold.
 */
export function drawWeather(prng: Prng): Weather {
  return weatherOf((name) =>
    prng.chance(NONE_AT_ALL) ? 0 : FAULTS[name].worst * prng.between(10, 100) / 100
  );
}

/** No fault at all. */
export const CALM: Weather = weatherOf(() => 0);

function weatherOf(chanceOf: (name: keyof Weather) => number): Weather {
  return Object.fromEntries(NAMES.map((name) => [name, chanceOf(name)])) as Weather;
}
