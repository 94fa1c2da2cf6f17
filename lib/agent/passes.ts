import type { EdgekeydError } from "../errors.ts";
import { AbsenceHistory } from "../fscache/mod.ts";
import { type ComponentKeyCache, KeyCacheError } from "../keycache/mod.ts";
import {
  dryRun,
  type PassScope,
  reconcile,
  type ReconcileOptions,
  type ReconcileOutcome,
} from "../reconcile/mod.ts";
import { type FenceError, OtherClusterError, type StoreContext } from "../store/mod.ts";
import type { AliveKey } from "./alive_key.ts";
import type { Findings } from "./findings.ts";
import { groupOfPath } from "./group_paths.ts";
import { groupsToLookAt, isOfEitherSide } from "./health.ts";
import { NO_LOOK } from "./later_looks.ts";
import { askedOptions, type PassRequest } from "./node.ts";
import { rememberFailure, rememberPass } from "./remembered.ts";
import type { RootWatch } from "./root_watch.ts";
import type { Due, Schedule } from "./schedule.ts";

/** A pass that somebody asked for waits for directories to settle, but holds up nobody for long. */
const MAX_PATIENCE_MS = 5_000;

/** What has to do with each pass. */
export interface PassTools {
  /** Told what is looked at. */
  readonly schedule: Schedule;
  /** Told what a pass came to that came to its end. */
  readonly findings: Findings;
  /** Begun anew before everything is looked at. */
  readonly watch: RootWatch;
  /** A number from 0 to below 1. */
  random(): number;
  /** Kept with full passes. */
  readonly alive: AliveKey;
}

/** Makes passes, and remembers from one to the next what has to be looked at again. */
export class Passes {
  readonly #options: ReconcileOptions;
  readonly #tools: PassTools;
  readonly #absences = new AbsenceHistory();
  /** The cache's epoch at the last full pass: in another one, etcd was reset or restored since. */
  #fullEpoch: number;

  /**
   * @param options how to reconcile
   * @param tools what has to do with each
   * @param cache the component-key cache
   */
  constructor(options: ReconcileOptions, tools: PassTools, cache: ComponentKeyCache) {
    this.#options = options;
    this.#tools = tools;
    this.#fullEpoch = cache.fence.epoch;
  }

  /**
   * Makes a pass that is due.
   *
   * @param context both sides
   * @param due what is
   */
  async due(
    context: StoreContext,
    due: Exclude<Due, { kind: "wait" }>,
  ): Promise<ReconcileOutcome> {
    const { findings } = this.#tools;
    const patient = false;
    await this.#begin(due);
    if (due.kind === "full") {
      return await this.#pass(context, this.#options, { groups: undefined, full: true, patient });
    }
    const { keys: awaited, groups: waiting } = due.later ?? NO_LOOK;
    const changed = due.groups?.union(waiting).union(groupsOf(context.cache, awaited));
    const groups = groupsToLookAt(findings.health, changed);
    return await this.#pass(context, this.#options, { groups, awaited, full: false, patient });
  }

  /**
   * Makes a pass that somebody asked for, or shows what it would do.
   *
   * @param context both sides
   * @param request how it differs from the agent's own
   */
  async asked(context: StoreContext, request: PassRequest): Promise<ReconcileOutcome> {
    const options = askedOptions(this.#options, request);
    const patient = options.source.settleMs <= MAX_PATIENCE_MS;
    if (request.dryRun) {
      return await dryRun(context, options, { patient, absences: this.#absences });
    }
    await this.#begin({ kind: "full" });
    return await this.#pass(context, options, { groups: undefined, full: true, patient });
  }

  /**
   * Tells whether the next full pass takes over a fence that was lost.
   *
   * @param lost how that was found out
   */
  takesOver(lost: FenceError): boolean {
    return this.#options.adopt && lost.mayTakeOver;
  }

  /**
   * Tells whether a pass over a part has found that etcd went back: the rest has to be put right,
   * too.
   *
   * @param cache the component-key cache
   */
  isBehind({ fence }: ComponentKeyCache): boolean {
    return fence.epoch !== this.#fullEpoch;
  }

  async #begin(due: Due): Promise<void> {
    const { schedule, watch } = this.#tools;
    if (due.kind === "full") await watch.renew(this.#nowMs());
    schedule.begun(due, this.#nowMs());
  }

  async #pass(
    context: StoreContext,
    options: ReconcileOptions,
    scope: Omit<PassScope, "absences">,
  ): Promise<ReconcileOutcome> {
    const { findings, schedule } = this.#tools;
    const { fence } = findings.health;
    const outcome = await reconcile(context, options, {
      ...scope,
      absences: this.#absences,
    });
    const { cache } = context;
    if (scope.full) await this.#keepAlive(context, outcome.failure);
    if (outcome.failure) {
      const nowMs = options.clock.nowMs();
      return await remembered(outcome, rememberFailure(cache, outcome.failure, nowMs));
    }
    if (scope.full) this.#fullEpoch = context.cache.fence.epoch;
    const { settleMs } = options.source;
    const looked = { ...scope, fence, settleMs, monotonicMs: this.#nowMs() };
    findings.passed(outcome, looked, options.clock.nowMs());
    schedule.unsettled(outcome.busy, this.#nowMs(), outcome.missing);
    schedule.yielded(outcome.yielded, this.#nowMs(), this.#tools.random());
    const { health } = findings;
    const waiting = [...health.halfRewritten, ...health.busy];
    return await remembered(outcome, rememberPass(cache, { ...health, waiting }));
  }

  /** A node whose files can't be read is there all the same; one that lost its fence is not. */
  async #keepAlive(context: StoreContext, failure: EdgekeydError | undefined): Promise<void> {
    const { alive, findings } = this.#tools;
    const isTrusted = !failure ||
      (findings.health.etcd === "reachable" && !isOfEitherSide(failure) &&
        !(failure instanceof OtherClusterError));
    if (isTrusted) {
      findings.aliveKept(await alive.keep(context, this.#options.clock.nowMs()));
    }
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}

/** Groups with the files of those who hold some keys. */
function groupsOf(cache: ComponentKeyCache, keys: Iterable<string>): Set<string> {
  const groups = new Set<string>();
  for (const key of keys) {
    for (const owner of cache.rows.get(key)?.owners ?? []) {
      const path = cache.pathOf(key, owner);
      if (path !== undefined) groups.add(groupOfPath(path));
    }
  }
  return groups;
}

/** A pass that can't be remembered has failed: the disk is at its end. */
async function remembered(
  outcome: ReconcileOutcome,
  remembering: Promise<void>,
): Promise<ReconcileOutcome> {
  try {
    await remembering;
    return outcome;
  } catch (error) {
    if (!(error instanceof KeyCacheError)) throw error;
    return { ...outcome, failure: outcome.failure ?? error };
  }
}
