import type { Clock } from "../clock.ts";
import type { AbsenceHistory } from "../fscache/mod.ts";
import type { ConflictPolicy, DecisionRules } from "../store/mod.ts";
import type { GuardLimits, GuardRules } from "./guard.ts";
import type { FsCache } from "./look.ts";
import type { Phase } from "./phases.ts";

/** A file that changes between scan and put is looked at again, so many times. */
export const MAX_PASSES = 3;

/** How to reconcile. */
export interface ReconcileOptions extends GuardLimits {
  /** Where the files are, and which of them count. */
  readonly source: FsCache;
  /** Time. */
  readonly clock: Clock;
  /** `--conflict-policy` */
  readonly policy: ConflictPolicy;
  /** `--require-single-txn`: refuse a group that needs more than one Txn. */
  readonly requireSingleTxn: boolean;
  /** Rebuild a lost cache: take over the fence, and what importers wrote of the snapshot's keys. */
  readonly adopt: boolean;
  /** Told how far it is. */
  readonly progress?: Progress;
  /** Told which phase begins; undefined: it has ended. */
  readonly onPhase?: (phase: Phase | undefined) => void;
}

/** Told how far a phase is; `total` is undefined while nobody knows it. */
export type Progress = (phase: "scan" | "commit", done: number, total: number | undefined) => void;

/**
 * How bulk deletes are told from everyday ones.
 *
 * @param options how to reconcile
 * @param absences what is remembered of missing files
 */
export function guardRules(
  { clock, ...limits }: GuardLimits & Pick<ReconcileOptions, "clock">,
  { missing }: AbsenceHistory,
): GuardRules {
  return { ...limits, nowMs: clock.steadyMs(), monotonicMs: clock.monotonicMs(), missing };
}

/**
 * How values of others are judged.
 *
 * @param options how to reconcile
 * @param adopting a lost cache is being rebuilt
 */
export function decisionRules({ policy }: ReconcileOptions, adopting: boolean): DecisionRules {
  return { policy, adopting };
}
