import { Buffer } from "node:buffer";
import { EdgekeydError } from "../errors.ts";
import { AbsenceHistory, type CacheWatch, type WatchHint } from "../fscache/mod.ts";
import { type Etcd, EtcdError } from "../etcd/mod.ts";
import { type ComponentKeyCache, KeyCacheError } from "../keycache/mod.ts";
import {
  dryRun,
  reconcile,
  type ReconcileOptions,
  type ReconcileOutcome,
  retire,
  type TakeOver,
} from "../reconcile/mod.ts";
import {
  type ApplyResult,
  FenceError,
  standingConflicts,
  type StoreContext,
  UnknownOutcomeError,
} from "../store/mod.ts";
import { Backoff } from "./backoff.ts";
import { ConditionLog } from "./condition_log.ts";
import { reasonsOf } from "./condition_words.ts";
import { type Condition, conditionsOf } from "./conditions.ts";
import {
  groupsToLookAt,
  type Health,
  healthAfter,
  healthAfterFailure,
  healthAfterRetiring,
  isOfEitherSide,
  type Looked,
  UNKNOWN_HEALTH,
} from "./health.ts";
import { writeToItsEnd } from "./interrupted_write.ts";
import type { Log } from "./log.ts";
import { askedOptions, type Node, type PassRequest } from "./node.ts";
import { NotReadyError, Operations } from "./operations.ts";
import { PassLog } from "./pass_log.ts";
import { RootWatch } from "./root_watch.ts";
import { type Due, Schedule, type ScheduleOptions } from "./schedule.ts";
import { type NodeFacts, type NodeStatus, type Setup, statusOf } from "./status.ts";
import { type AskedWrite, WriteLog } from "./write_log.ts";

/** How the daemon works. */
export interface AgentOptions extends Omit<ScheduleOptions, "settleMs"> {
  readonly reconcile: ReconcileOptions;
  readonly setup: Setup;
  /** The longest pause between two tries, in ms. */
  readonly retryMaxMs: number;
  /** The loop comes round at least this often, in ms, so that it can show that it is alive. */
  readonly beatMs: number;
}

/** What the daemon is given to work with. */
export interface AgentParts {
  /** Opens the component-key cache; called again after it failed. */
  openCache(): Promise<ComponentKeyCache>;
  /** Makes an etcd client; called again when certificates or password changed. */
  connect(): Promise<Etcd>;
  /** Changes whenever the files that {@linkcode connect} reads do. */
  credentials(): string;
  /** What store operations work with. */
  store(cache: ComponentKeyCache, etcd: Etcd): StoreContext;
  readonly log: Log;
  /** Starts a watch on the cache root; throws if it can't be watched. */
  watch(hint: (hint: WatchHint) => void): CacheWatch;
  /** Tells one cache root from another that took its place; empty if there is none. */
  identifyRoot(): string;
  /** Told that the loop is alive. */
  beat(): void;
  /** Told that health or cache may have changed. */
  changed(): void;
  /** A number from 0 to below 1. */
  random(): number;
}

/** How often certificates are looked at. */
const LOOK_AROUND_MS = 5_000;
/** A pass that somebody asked for waits for directories to settle, but holds up nobody for long. */
const MAX_PATIENCE_MS = 5_000;
/** etcd is asked for no longer than this when somebody wants to know how fast it is. */
const MEASURE_MS = 1_000;

/**
 * The daemon's loop: the one place that writes, and that reads what the cache is fed with. What it
 * does is decided by what is due, not by what happened, so nothing is lost while it is busy or
 * etcd is away.
 */
export class Agent implements Node {
  readonly #options: AgentOptions;
  readonly #parts: AgentParts;
  readonly #schedule: Schedule;
  readonly #backoff: Backoff;
  readonly #absences = new AbsenceHistory();
  readonly #operations: Operations;
  /** Passes that somebody asked for; they are tried whatever the last one came to. */
  readonly #asked: Operations;
  #cache: ComponentKeyCache;
  #cacheClosed = false;
  #etcd: Etcd | undefined;
  #health: Health = UNKNOWN_HEALTH;
  /** The cache's epoch at the last full pass: in another one, etcd was reset or restored since. */
  #fullEpoch: number;
  readonly #log: PassLog;
  readonly #told: ConditionLog;
  /** Health or cache may have changed since it was told of. */
  #news = false;
  readonly #writes: WriteLog;
  readonly #watch: RootWatch;
  #lookAroundAtMs = -Infinity;
  #stopping = false;
  #reconnect = false;
  #credentials: string;
  #fatal: FenceError | undefined;
  #wake: () => void = () => {};

  /**
   * @param options how it works
   * @param parts what it works with
   * @param cache the component-key cache, open
   */
  constructor(options: AgentOptions, parts: AgentParts, cache: ComponentKeyCache) {
    this.#options = options;
    this.#parts = parts;
    this.#cache = cache;
    this.#fullEpoch = cache.fence.epoch;
    this.#log = new PassLog(parts.log);
    this.#told = new ConditionLog(parts.log);
    this.#writes = new WriteLog(parts.log);
    const { settleMs } = options.reconcile.source;
    this.#schedule = new Schedule({ ...options, settleMs }, this.#nowMs());
    this.#backoff = new Backoff(options.retryMaxMs, parts.random);
    this.#operations = new Operations(() => this.#wake());
    this.#asked = new Operations(() => this.#wake());
    this.#credentials = parts.credentials();
    this.#watch = new RootWatch({
      watch: parts.watch,
      identify: parts.identifyRoot,
      changed: (group) => {
        this.#schedule.changed(group, this.#nowMs());
        this.#wake();
      },
      // A pass that failed without a root need not wait any longer.
      appeared: () => this.#schedule.demandFull(this.#nowMs()),
      failed: (reason) => this.#watchFailed(reason),
    });
  }

  get health(): Health {
    return this.#health;
  }

  /** The component-key cache, to look at only. */
  get cache(): ComponentKeyCache {
    return this.#cache;
  }

  /** Keys that are left to others, each with the reason. */
  get conflicts(): ReadonlyMap<string, string> {
    const { policy } = this.#options.reconcile;
    return standingConflicts(this.#cache.rows, { policy, adopting: false });
  }

  /** What is known of the node now; it can be judged by the conditions. */
  get facts(): NodeFacts {
    const { failure } = this.#health;
    return {
      ...this.#health,
      daemon: true,
      nodeName: this.#cache.identity.nodeName,
      cacheRoot: this.#options.reconcile.source.root,
      conflicts: this.conflicts,
      // While all goes well, one that is pending is only on its way.
      ...(failure && { pendingKeys: this.#cache.intent?.header.entries ?? 0 }),
    };
  }

  /** The conditions that hold now. */
  get conditions(): Condition[] {
    return conditionsOf(this.facts);
  }

  /** How it reconciles. */
  get reconcileOptions(): ReconcileOptions {
    return this.#options.reconcile;
  }

  /** Groups that wait to be looked at. */
  get dirtyGroups(): number {
    return this.#schedule.dirtyGroups;
  }

  /** How it is doing, as it is known without asking. */
  get known(): NodeStatus {
    return this.#statusWith(undefined);
  }

  async status(): Promise<NodeStatus> {
    return this.#statusWith(await this.measureEtcd());
  }

  #statusWith(latencyMs: number | undefined): NodeStatus {
    const { facts, dirtyGroups } = this;
    return statusOf(this.#cache, { facts, setup: this.#options.setup, dirtyGroups, latencyMs });
  }

  look<T>(view: (cache: ComponentKeyCache) => T): Promise<T> {
    return Promise.resolve(this.#cache).then(view);
  }

  /**
   * Has an operation done by the loop.
   *
   * @param operation what to do with cache and etcd, after recovery
   * @param signal gives it up, if it has not begun
   * @throws {NotReadyError} if etcd is away, or too many operations wait
   */
  submit<T>(operation: (context: StoreContext) => Promise<T>, signal: AbortSignal): Promise<T> {
    const reason = this.#refusal();
    if (reason !== undefined) return Promise.reject(new NotReadyError(reason));
    return this.#operations.submit(operation, signal);
  }

  /**
   * Has a write done by the loop, and logs what it changed, whether or not somebody still waits.
   *
   * @param asked what it is
   * @param operation what to do with cache and etcd, after recovery
   * @param signal gives it up, if it has not begun
   * @throws what {@linkcode submit} throws, and what it failed with
   */
  write(
    asked: AskedWrite,
    operation: (context: StoreContext) => Promise<ApplyResult>,
    signal: AbortSignal,
  ): Promise<ApplyResult> {
    return writeToItsEnd((work) => this.submit(work, signal), async (context) => {
      const tell = this.#writes.before(asked, context.cache);
      const applied = await operation(context);
      tell(applied);
      return applied;
    });
  }

  /** The same for taking over keys, which writes to the cache alone. */
  takeOver(
    asked: AskedWrite,
    operation: (context: StoreContext) => Promise<TakeOver>,
    signal: AbortSignal,
  ): Promise<TakeOver> {
    return this.submit(async (context) => {
      const done = await operation(context);
      this.#writes.tookOver(asked, done);
      return done;
    }, signal);
  }

  /**
   * Makes a full pass now, whether or not the last one failed.
   *
   * @param request how it differs from the agent's own
   * @param signal ends the wait for it
   * @throws {NotReadyError} if too many wait, or the agent ends
   */
  reconcileNow(request: PassRequest, signal: AbortSignal): Promise<ReconcileOutcome> {
    const { retired } = this.#health;
    const reason = retired || this.#stopping ? this.#refusal() : undefined;
    if (reason !== undefined) return Promise.reject(new NotReadyError(reason));
    return this.#asked.submit((context) => this.#askedPass(context, request), signal);
  }

  /**
   * Takes this node out of the pool; from then on the agent does nothing any more.
   *
   * @param signal ends the wait for it
   * @throws what {@linkcode submit} and retire throw
   */
  retire(signal: AbortSignal): Promise<ApplyResult> {
    const run = (work: (context: StoreContext) => Promise<ApplyResult>) =>
      this.submit(async (context) => {
        const applied = await work(context);
        this.#health = healthAfterRetiring(this.#health);
        this.#parts.log("notice", "this node was retired; nothing is written any more");
        return applied;
      }, signal);
    return writeToItsEnd(run, (context) => retire(context, { timed: (_, work) => work }));
  }

  /**
   * Measures how fast etcd answers. An etcd that can't be reached is taken for away from then on,
   * even if nothing else has asked it for a while.
   *
   * @returns ms; undefined if it does not
   */
  async measureEtcd(): Promise<number | undefined> {
    const startMs = this.#nowMs();
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), MEASURE_MS);
    const key = Buffer.from(this.#cache.identity.fenceKey);
    const etcd = this.#etcd;
    const read = async () => {
      try {
        const answer = await etcd?.range({ key, keys_only: true });
        return answer && this.#nowMs() - startMs;
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        // A client that was closed meanwhile says nothing of etcd.
        const isNews = etcd === this.#etcd && !this.#stopping;
        if (isNews && this.#health.failure === undefined) {
          this.#failed(error);
          this.#wake();
        }
        return undefined;
      }
    };
    try {
      return await Promise.race([read(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Certificates or password may have changed: connect anew and make a full pass. */
  reload(): void {
    this.#reconnect = true;
    this.#schedule.demandFull(this.#nowMs());
    this.#wake();
  }

  /** Ends the loop once what it is doing is done. */
  stop(): void {
    this.#stopping = true;
    this.#wake();
  }

  /**
   * Runs until it is stopped.
   *
   * @throws {FenceError} if another agent has this node's name, or the cache was rolled back
   */
  async run(): Promise<void> {
    try {
      while (!this.#stopping) {
        this.#parts.beat();
        if (this.#health.retired) {
          // What waited behind the retirement is not begun any more.
          this.#refuseWaiting(this.#reasons().join("; "));
          await this.#sleepUntil(Infinity);
        } else {
          await this.#lookAround();
          await this.#step(this.#schedule.due(this.#nowMs()));
        }
        this.#tell();
        if (this.#fatal) throw this.#fatal;
      }
    } finally {
      this.#refuseWaiting("the agent is stopping");
      await this.#watch.close();
      this.#etcd?.close();
      if (!this.#cacheClosed) this.#cache.close();
    }
  }

  async #step(due: Due): Promise<void> {
    if (this.#asked.size > 0) return await this.#ask();
    if (due.kind !== "wait") await this.#pass(due);
    // One operation after each pass too, or a steady stream of changes would starve them.
    const ready = this.#health.lastSuccessMs !== undefined && this.#refusal() === undefined;
    if (ready && this.#operations.size > 0) await this.#operate();
    else if (due.kind === "wait") {
      await this.#sleepUntil(
        Math.min(due.untilMs, this.#lookAroundAtMs, this.#watch.checkAtMs),
      );
    }
    // As what looked at a part of it found; the rest has to be put right, too.
    const wentBack = this.#cache.fence.epoch !== this.#fullEpoch;
    if (wentBack && this.#health.failure === undefined) this.#schedule.demandFull(this.#nowMs());
  }

  /** Between what it does, so that nobody is told of what is only on its way. */
  #tell(): void {
    if (!this.#news) return;
    this.#news = false;
    this.#told.tell(this.conditions);
    this.#parts.changed();
  }

  /** Why no operation is taken now; undefined if one is. */
  #refusal(): string | undefined {
    if (this.#stopping) return "the agent is stopping";
    const { retired, failure } = this.#health;
    return retired ? this.#reasons()[0] : failure?.message;
  }

  #reasons(): string[] {
    return reasonsOf(this.conditions);
  }

  #refuseWaiting(reason: string): void {
    const error = new NotReadyError(reason);
    this.#operations.refuseAll(error);
    this.#asked.refuseAll(error);
  }

  async #pass(due: Exclude<Due, { kind: "wait" }>): Promise<void> {
    const context = await this.#context();
    if (!context) return;
    const full = due.kind === "full";
    if (full) await this.#watch.renew(this.#nowMs());
    this.#schedule.begun(due, this.#nowMs());
    const groups = full ? undefined : groupsToLookAt(this.#health, due.groups);
    const outcome = await reconcile(context, this.#options.reconcile, {
      groups,
      full,
      patient: false,
      absences: this.#absences,
    });
    this.#take(outcome, { groups, full });
  }

  async #ask(): Promise<void> {
    const context = await this.#context();
    if (context) await this.#asked.next(context);
    else this.#asked.refuseAll(new NotReadyError(this.#refusal() ?? "etcd can't be reached"));
  }

  async #askedPass(
    context: StoreContext,
    request: PassRequest,
  ): Promise<ReconcileOutcome> {
    const options = askedOptions(this.#options.reconcile, request);
    if (request.dryRun) return await dryRun(context, options);
    await this.#watch.renew(this.#nowMs());
    this.#schedule.begun({ kind: "full" }, this.#nowMs());
    const outcome = await reconcile(context, options, {
      groups: undefined,
      full: true,
      patient: options.source.settleMs <= MAX_PATIENCE_MS,
      absences: this.#absences,
    });
    this.#take(outcome, { groups: undefined, full: true });
    return outcome;
  }

  async #operate(): Promise<void> {
    const context = await this.#context();
    if (!context) return;
    const before = this.#keysHeldBack();
    const error = await this.#operations.next(context);
    // Somebody let go of what the deletes that are held back are about: are they still?
    if (this.#keysHeldBack() !== before) this.#schedule.changed(undefined, this.#nowMs());
    const failure = error instanceof UnknownOutcomeError ? error.cause : error;
    if (failure instanceof EdgekeydError && (this.#cache.intent || isOfEitherSide(failure))) {
      this.#failed(failure);
    } else this.#news = true;
  }

  /** Keys of the components whose deletes are held back. */
  #keysHeldBack(): number {
    let keys = 0;
    for (const { component } of this.#health.heldBack) {
      for (const group of this.#cache.byOwner.get(component)?.values() ?? []) keys += group.size;
    }
    return keys;
  }

  /** Takes in what a pass came to. */
  #take(outcome: ReconcileOutcome, looked: Pick<Looked, "full" | "groups">): void {
    const nowMs = this.#options.reconcile.clock.nowMs();
    this.#health = healthAfter(this.#health, outcome, {
      ...looked,
      components: this.#cache.byOwner.keys(),
      settleMs: this.#options.reconcile.source.settleMs,
      monotonicMs: this.#nowMs(),
    }, nowMs);
    if (outcome.failure) {
      this.#log.failed(outcome.failure);
      this.#recoverFrom(outcome.failure);
    } else {
      if (looked.full) this.#fullEpoch = this.#cache.fence.epoch;
      this.#log.passed(outcome, this.conflicts);
      this.#backoff.reset();
      this.#schedule.unsettled(outcome.busy, this.#nowMs(), outcome.missing);
    }
    this.#news = true;
  }

  /** Takes in what failed outside of a pass. */
  #failed(failure: EdgekeydError): void {
    this.#health = healthAfterFailure(this.#health, failure);
    this.#log.failed(failure);
    this.#recoverFrom(failure);
    this.#news = true;
  }

  #recoverFrom(failure: EdgekeydError): void {
    if (failure instanceof FenceError) this.#fatal = failure;
    this.#schedule.failed(this.#backoff.next(), this.#nowMs());
    this.#operations.refuseAll(new NotReadyError(failure.message));
    if (!(failure instanceof KeyCacheError) || this.#cacheClosed) return;
    this.#cache.close();
    this.#cacheClosed = true;
  }

  /** After a failure the cache must be loaded again: memory may be ahead of it, or behind. */
  async #reopenCache(): Promise<void> {
    if (!this.#cacheClosed) return;
    this.#cache = await this.#parts.openCache();
    this.#cacheClosed = false;
  }

  /** Both sides; undefined if one of them can't be had now. */
  async #context(): Promise<StoreContext | undefined> {
    try {
      await this.#reopenCache();
      if (!this.#etcd || this.#reconnect) {
        const etcd = await this.#parts.connect();
        this.#etcd?.close();
        this.#etcd = etcd;
        this.#reconnect = false;
      }
      return this.#parts.store(this.#cache, this.#etcd);
    } catch (error) {
      if (!(error instanceof EdgekeydError)) throw error;
      this.#failed(error);
      return undefined;
    }
  }

  /** Looks for what no event tells of: another root, other certificates. */
  async #lookAround(): Promise<void> {
    const nowMs = this.#nowMs();
    await this.#watch.check(nowMs);
    if (nowMs < this.#lookAroundAtMs) return;
    this.#lookAroundAtMs = nowMs + LOOK_AROUND_MS;
    const credentials = this.#parts.credentials();
    if (credentials === this.#credentials) return;
    this.#credentials = credentials;
    this.#parts.log("notice", "certificates or password changed on disk; they are read again");
    this.reload();
  }

  #watchFailed(reason: string | undefined): void {
    this.#health = { ...this.#health, watchFailure: reason };
    this.#news = true;
    this.#wake();
  }

  async #sleepUntil(untilMs: number): Promise<void> {
    const forMs = Math.min(untilMs - this.#nowMs(), LOOK_AROUND_MS, this.#options.beatMs);
    if (forMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, forMs);
    await promise;
    clearTimeout(timer);
    this.#wake = () => {};
  }

  #nowMs(): number {
    return this.#options.reconcile.clock.monotonicMs();
  }
}
