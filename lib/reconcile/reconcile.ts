import { EdgekeydError } from "../errors.ts";
import { apply, type ApplyResult, recover, type StoreContext } from "../store/mod.ts";
import { strangerNotes } from "./custom_notes.ts";
import {
  busyGroups,
  findChanges,
  heldBackDeletes,
  invalidFiles,
  ownerPathsOf,
  reportStatus,
} from "./findings.ts";
import { farAheadNotes } from "./far_ahead_notes.ts";
import { everything, type LookScope } from "./look.ts";
import { type MissingGroup, missingGroups } from "./missing_groups.ts";
import { keysNotLookedAt } from "./not_looked_at.ts";
import { type NotPut, sortLeftOut } from "./not_put.ts";
import { decisionRules, MAX_PASSES, type ReconcileOptions } from "./options.ts";
import { Phases } from "./phases.ts";
import { readableIn } from "./readable.ts";
import type { ReconcileReport } from "./report.ts";
import { countSecrets, secretNotes, secretsHeldBack, secretsLeftOut } from "./secrets.ts";
import { settledIn } from "./settled_look.ts";
import { unclaimedKeys, unclaimedNote } from "./unclaimed_keys.ts";
import { NOTHING_YIELDED, type Yielded, yieldedIn } from "./yielded.ts";

/** A report and what a person should know beside it. */
export interface ReconcileOutcome {
  /** What was done, for people and programs. */
  readonly report: ReconcileReport;
  /** One line each. */
  readonly notes: readonly string[];
  /** Groups (`component/directory`) in which a rewrite was still under way. */
  readonly busy: readonly string[];
  /** Those of them in which files are missing, and can't be told yet to be gone. */
  readonly missing: ReadonlyMap<string, MissingGroup>;
  /** Of a dry run: keys whose deletes are held back, in order. */
  readonly keysHeldBack?: readonly string[];
  /** Those of them, or others, in which a backup of yurthub's stands. */
  readonly rewriting: readonly string[];
  /** What was left for now, since another node of the pool may be about to put it. */
  readonly yielded: Yielded;
  /** Keys of core Secrets that are left out, by the group in which they were seen. */
  readonly secrets: ReadonlyMap<string, ReadonlySet<string>>;
  /** Why it did not come to its end; the report says what was done until then. */
  readonly failure: EdgekeydError | undefined;
}

/** What one pass looks at. */
export interface PassScope extends LookScope {
  /** Look at every key in etcd, to find drift; else only at what changed. */
  readonly full: boolean;
  /**
   * Keys that have waited for another node to put them right: they are looked at in etcd, and put if
   * nobody has. Any other key that etcd does not hold from this node's own put is left for now.
   *
   * @default {nothing waits, or is left}
   */
  readonly awaited?: ReadonlySet<string>;
}

/**
 * One pass, full unless told otherwise: recovers what an earlier run left, scans the fs cache, and
 * brings cache and etcd in step with it; drift in etcd is healed from the files.
 *
 * @param context both sides
 * @param options how
 * @param scope which part
 * @returns what was done; `failure` is a CacheRootError if the cache root can't be read, or what
 * {@linkcode recover} and {@linkcode apply} fail with
 */
export async function reconcile(
  context: StoreContext,
  options: ReconcileOptions,
  scope: PassScope = { ...everything(), full: true },
): Promise<ReconcileOutcome> {
  const run = new Run(context, options, scope);
  try {
    if (scope.full || context.cache.intent) await run.recover();
    for (let pass = 1; pass <= MAX_PASSES; pass++) {
      const { failure, again } = await run.pass();
      if (failure) return run.outcome(failure);
      if (!again) break;
    }
    if (scope.full && context.cache.fence.adopting) {
      await run.listUnclaimed();
      await context.cache.endAdoption();
    }
    return run.outcome();
  } catch (error) {
    if (error instanceof EdgekeydError) return run.outcome(error);
    throw error;
  }
}

class Run {
  readonly #context: StoreContext;
  readonly #options: ReconcileOptions;
  readonly #scope: PassScope;
  readonly #phases: Phases;
  readonly #counts = { created: 0, updated: 0, deleted: 0, released: 0, txns: 0 };
  /** Keys that were created or updated. */
  readonly #put = new Set<string>();
  #staged = false;
  #recovered = 0;
  #revision = "";
  #clusterId = "";
  readonly #conflicts = new Map<string, string>();
  #invalid: ReconcileReport["invalid"] = [];
  #heldBack: ReconcileReport["heldBack"] = [];
  #notPut: NotPut["bad"] = [];
  #secrets: ReconcileOutcome["secrets"] = new Map();
  #secretsLetGo = new Set<string>();
  #secretsHeldBack = new Set<string>();
  #busy: readonly string[] = [];
  #missing: ReadonlyMap<string, MissingGroup> = new Map();
  #yielded = NOTHING_YIELDED;
  #rewriting: readonly string[] = [];
  /**
   * Files that no longer held what was to be put again. One that the run was told not to look at
   * would never be in step again, were it not looked at now.
   */
  #overtaken: ReadonlySet<string> = new Set();
  #unclaimed: readonly string[] | undefined;
  readonly #notes: string[] = [];

  constructor(context: StoreContext, options: ReconcileOptions, scope: PassScope) {
    this.#context = context;
    this.#options = options;
    this.#scope = scope;
    this.#phases = new Phases(options.clock, options.onPhase);
  }

  async recover(): Promise<void> {
    const pending = this.#context.cache.intent !== undefined;
    const { adopt } = this.#options;
    const { verdict, revision, clusterId } = await this.#phases.time(
      "recover",
      recover(this.#context, { adopt }),
    );
    if (pending && verdict !== "in-step") this.#recovered = 1;
    this.#revision = revision;
    this.#clusterId = clusterId;
    if (verdict === "reset") {
      this.#notes.push(
        "etcd came back empty or older than the cache; what is missing is put again",
      );
    }
    if (verdict === "adopted") {
      this.#notes.push("took over the fence and what importers wrote of the cache's keys");
    }
  }

  /** @returns what failed, and whether files have to be looked at anew */
  async pass(): Promise<Pick<ApplyResult, "failure"> & { readonly again: boolean }> {
    const { cache } = this.#context;
    const { progress, requireSingleTxn } = this.#options;
    const { awaited } = this.#scope;
    const scope = { ...this.#scope, besides: this.#overtaken };
    const findings = await findChanges(cache, this.#options, scope, this.#phases);
    const { snapshot, guarded, bytesOf } = findings;
    const applied = await apply(this.#context, {
      changes: guarded.changes,
      full: this.#scope.full,
      ...(awaited && { besides: awaited, yields: (key: string) => !awaited.has(key) }),
      asOne: false,
      rules: decisionRules(this.#options, cache.fence.adopting),
      requireSingleTxn,
      bytesOf,
      settled: settledIn(cache, findings, this.#scope.full),
      readable: readableIn(cache, snapshot),
      windows: guarded.windows,
      timed: (phase, work) => this.#phases.time(phase, work),
      ...(progress && { progress: (done, total) => progress("commit", done, total) }),
    });
    this.#add(applied);
    this.#invalid = invalidFiles(cache, findings, applied.tooLarge);
    this.#heldBack = heldBackDeletes(findings);
    this.#secrets = secretsLeftOut(findings);
    this.#secretsHeldBack = secretsHeldBack(findings);
    this.#secretsLetGo = this.#secretsLetGo.union(findings.diff.secrets.letGo);
    const { bad, changed } = sortLeftOut(cache, findings, applied.leftOut);
    this.#notPut = bad;
    this.#busy = busyGroups(cache, findings, changed);
    this.#yielded = yieldedIn(cache, findings, applied.yielded);
    this.#missing = missingGroups(this.#scope.absences, snapshot);
    this.#rewriting = [...findings.diff.rewriting];
    this.#overtaken = this.#overtaken.union(ownerPathsOf(cache, changed));
    return { failure: applied.failure, again: changed.size > 0 };
  }

  /** What an importer wrote and nobody here owns may be another node's: a person decides. */
  async listUnclaimed(): Promise<void> {
    const { rows } = this.#context.cache;
    const unclaimed = await unclaimedKeys(
      this.#context,
      this.#options.source,
      (key) => rows.has(key),
    );
    this.#unclaimed = unclaimed.keys;
    const note = unclaimedNote(unclaimed);
    if (note !== undefined) this.#notes.push(note);
  }

  outcome(failure?: EdgekeydError): ReconcileOutcome {
    this.#notes.push(...strangerNotes(this.#options.source));
    this.#notes.push(...farAheadNotes(this.#context.cache.rows));
    const unseen = keysNotLookedAt(this.#context.cache.rows.values(), this.#options.source);
    if (unseen.size > 0) {
      const keys = unseen.size === 1 ? "1 key" : `${unseen.size} keys`;
      const were = unseen.size === 1 ? "was" : "were";
      this.#notes.push(`${keys} of components or resources not looked at ${were} kept`);
    }
    const secretsLetGo = this.#secretsLetGo.difference(this.#secretsHeldBack).size;
    if (!failure) {
      this.#notes.push(...secretNotes(secretsLetGo, this.#secretsHeldBack.size, false));
    }
    const leftOut = countSecrets(this.#secrets);
    const findings = {
      conflicts: [...this.#conflicts].map(([key, reason]) => ({ key, reason })),
      invalid: this.#invalid,
      heldBack: this.#heldBack,
      ...(this.#notPut.length > 0 && { notPut: this.#notPut }),
      ...(leftOut > 0 && { secretsLeftOut: leftOut }),
      ...(this.#busy.length > 0 && { busy: this.#busy }),
    };
    return {
      report: {
        status: failure ? "failed" : reportStatus(findings),
        ...this.#counts,
        unchanged: failure ? 0 : this.#unchanged(unseen),
        ...findings,
        staged: this.#staged,
        recovered: this.#recovered,
        revision: this.#revision,
        clusterId: this.#clusterId,
        durationMs: this.#phases.totalMs,
        phasesMs: this.#phases.ms,
        ...(this.#unclaimed && { unclaimed: this.#unclaimed }),
      },
      notes: this.#notes,
      busy: this.#busy,
      missing: this.#missing,
      secrets: this.#secrets,
      rewriting: this.#rewriting,
      yielded: this.#yielded,
      failure,
    };
  }

  #add(applied: ApplyResult): void {
    this.#counts.created += applied.created;
    this.#counts.updated += applied.updated;
    this.#counts.deleted += applied.deleted;
    this.#counts.released += applied.released;
    this.#counts.txns += applied.txns;
    this.#staged ||= applied.staged;
    this.#revision = applied.revision ?? this.#revision;
    this.#clusterId = applied.clusterId ?? this.#clusterId;
    for (const key of applied.put) {
      this.#put.add(key);
      // An earlier look had left it to others.
      this.#conflicts.delete(key);
    }
    for (const [key, reason] of applied.conflicts) this.#conflicts.set(key, reason);
  }

  /** Keys that were looked at, are held and needed nothing. */
  #unchanged(unseen: ReadonlySet<string>): number {
    const notPut = new Set(this.#notPut.map(({ key }) => key));
    const others = [this.#conflicts, this.#put, notPut, unseen, this.#yielded.keys];
    let held = 0;
    for (const { key, owners } of this.#context.cache.rows.values()) {
      if (owners.length > 0 && !others.some((keys) => keys.has(key))) held++;
    }
    return held;
  }
}
