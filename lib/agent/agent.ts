import { type EdgekeydError } from "../errors.ts";
import { type CacheWatch, DirectoryHistory, watchCache } from "../fscache/mod.ts";
import { type Etcd } from "../etcd/mod.ts";
import { type ComponentKeyCache } from "../keycache/mod.ts";
import { reconcile, type ReconcileOptions, type ReconcileOutcome } from "../reconcile/mod.ts";
import { FenceError, type StoreContext } from "../store/mod.ts";
import { Backoff } from "./backoff.ts";
import { type Health, healthAfter, UNKNOWN_HEALTH } from "./health.ts";
import type { Log } from "./log.ts";
import { NotReadyError, Operations } from "./operations.ts";
import { type Due, Schedule, type ScheduleOptions } from "./schedule.ts";

/** How the daemon works. */
export interface AgentOptions extends Omit<ScheduleOptions, "settleMs"> {
  readonly reconcile: ReconcileOptions;
  /** The longest pause between two tries, in ms. */
  readonly retryMaxMs: number;
}

/** What the daemon is given to work with. */
export interface AgentParts {
  /** Opens the component-key cache; called again after it failed. */
  openCache(): Promise<ComponentKeyCache>;
  /** Makes an etcd client; called again when certificates or password changed. */
  connect(): Promise<Etcd>;
  /** What store operations work with. */
  store(cache: ComponentKeyCache, etcd: Etcd): StoreContext;
  readonly log: Log;
  /** Told that the loop is alive. */
  beat(): void;
  /** Told that health or cache may have changed. */
  changed(): void;
  /** A number from 0 to below 1. */
  random(): number;
}

/** How often the cache root is looked at: a watch does not tell that it was replaced. */
const ROOT_CHECK_MS = 5_000;
/** How often everything is looked at while the cache can't be watched. */
const UNWATCHED_MS = 30_000;
/** The loop comes round at least this often, so that it can show that it is alive. */
const TICK_MS = 1_000;

/**
 * The daemon's loop: the one place that writes, and that reads what the cache is fed with. What it
 * does is decided by what is due, not by what happened, so nothing is lost while it is busy or
 * etcd is away.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #parts: AgentParts;
  readonly #schedule: Schedule;
  readonly #backoff: Backoff;
  readonly #directories = new DirectoryHistory();
  readonly #operations: Operations;
  #cache: ComponentKeyCache;
  #etcd: Etcd | undefined;
  #health: Health = UNKNOWN_HEALTH;
  #watch: CacheWatch | undefined;
  #rootId = "";
  #rootCheckAtMs = -Infinity;
  #unwatchedLookAtMs = Infinity;
  #stopping = false;
  #reconnect = false;
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
    const { settleMs } = options.reconcile.source;
    this.#schedule = new Schedule({ ...options, settleMs }, this.#nowMs());
    this.#backoff = new Backoff(options.retryMaxMs, parts.random);
    this.#operations = new Operations(() => this.#wake());
  }

  get health(): Health {
    return this.#health;
  }

  /** The component-key cache, to look at only. */
  get cache(): ComponentKeyCache {
    return this.#cache;
  }

  /** Groups that wait to be looked at. */
  get dirtyGroups(): number {
    return this.#schedule.dirtyGroups;
  }

  /**
   * Has an operation done by the loop.
   *
   * @param operation what to do with cache and etcd, after recovery
   * @param signal gives it up, if it has not begun
   * @throws {NotReadyError} if etcd is away, or too many operations wait
   */
  submit<T>(operation: (context: StoreContext) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#health.failure !== undefined) {
      return Promise.reject(new NotReadyError(this.#health.failure));
    }
    return this.#operations.submit(operation, signal);
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
        this.#checkRoot();
        await this.#step(this.#schedule.due(this.#nowMs()));
      }
    } finally {
      this.#operations.refuseAll("the agent is stopping");
      this.#watch?.close();
      this.#etcd?.close();
      this.#cache.close();
    }
  }

  async #step(due: Due): Promise<void> {
    if (due.kind !== "wait") {
      await this.#pass(due);
      return;
    }
    if (this.#operations.size > 0 && this.#health.lastSuccessMs !== undefined) {
      const context = await this.#context();
      if (context) await this.#operations.next(context);
      this.#parts.changed();
      return;
    }
    await this.#sleepUntil(due.untilMs);
  }

  async #pass(due: Exclude<Due, { kind: "wait" }>): Promise<void> {
    const context = await this.#context();
    if (!context) return;
    this.#schedule.begun(due, this.#nowMs());
    const groups = due.kind === "full" ? undefined : due.groups;
    const outcome = await reconcile(context, this.#options.reconcile, {
      groups,
      full: due.kind === "full",
      patient: false,
      directories: this.#directories,
    });
    const before = this.#health;
    const nowMs = this.#options.reconcile.clock.nowMs();
    this.#health = healthAfter(before, outcome, due.kind === "full" ? undefined : groups, nowMs);
    this.#report(before, outcome);
    if (outcome.failure) await this.#recoverFrom(outcome.failure);
    else {
      this.#backoff.reset();
      this.#schedule.unsettled(outcome.busy, this.#nowMs());
    }
    this.#parts.changed();
  }

  async #recoverFrom(failure: EdgekeydError): Promise<void> {
    if (failure instanceof FenceError) throw failure;
    this.#schedule.failed(this.#backoff.next(), this.#nowMs());
    this.#operations.refuseAll(failure.message);
    if (failure.code !== "KeyCache") return;
    this.#cache.close();
    this.#cache = await this.#parts.openCache();
  }

  /** Both sides; undefined if there is no way to make a client now. */
  async #context(): Promise<StoreContext | undefined> {
    if (this.#reconnect) {
      this.#etcd?.close();
      this.#etcd = undefined;
      this.#reconnect = false;
    }
    try {
      this.#etcd ??= await this.#parts.connect();
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      if (this.#health.failure !== failure) this.#parts.log("error", failure);
      this.#health = { ...this.#health, etcd: "away", failure };
      this.#schedule.failed(this.#backoff.next(), this.#nowMs());
      this.#parts.changed();
      return undefined;
    }
    return this.#parts.store(this.#cache, this.#etcd);
  }

  /** One line when something changes for the worse or the better, none while it stays. */
  #report(before: Health, { report, failure, notes }: ReconcileOutcome): void {
    const { log } = this.#parts;
    if (failure) {
      if (before.failure === undefined) log("error", failure.message, { code: failure.code });
      return;
    }
    if (before.failure !== undefined) log("notice", "in step again");
    for (const note of notes) log("notice", note);
    const { created, updated, deleted, released, txns, revision, durationMs } = report;
    if (created + updated + deleted + released > 0) {
      const fields = { created, updated, deleted, released, txns, revision, durationMs };
      log("info", "brought in step", fields);
    }
    for (const { key, reason } of report.conflicts.slice(0, MAX_LOGGED)) {
      if (!before.lastReport?.conflicts.some((known) => known.key === key)) {
        log("warning", "key left to others", { key, reason });
      }
    }
    for (const { path, reason } of report.invalid.slice(0, MAX_LOGGED)) {
      if (!before.invalid.some((known) => known.path === path)) {
        log("warning", "not imported", { path, reason });
      }
    }
    for (const { component, deletes } of report.heldBack) {
      if (!before.heldBack.some((known) => known.component === component)) {
        log("warning", "deletes held back", { component, deletes });
      }
    }
  }

  /** Watches the root, anew if it was replaced or the watch was lost; polls where it can't. */
  #checkRoot(): void {
    const nowMs = this.#nowMs();
    if (nowMs >= this.#unwatchedLookAtMs) {
      this.#schedule.changed(undefined, nowMs);
      this.#unwatchedLookAtMs = nowMs + UNWATCHED_MS;
    }
    if (nowMs < this.#rootCheckAtMs) return;
    this.#rootCheckAtMs = nowMs + ROOT_CHECK_MS;
    const id = this.#identifyRoot();
    if (id === this.#rootId && this.#watch) return;
    if (id !== this.#rootId) this.#schedule.changed(undefined, nowMs);
    this.#rootId = id;
    this.#watch?.close();
    this.#watch = undefined;
    if (id !== "") this.#startWatch();
  }

  #startWatch(): void {
    const { root } = this.#options.reconcile.source;
    try {
      const watch = watchCache(root, (hint) => {
        this.#schedule.changed(hint.kind === "group" ? hint.group : undefined, this.#nowMs());
        this.#wake();
      });
      this.#watch = watch;
      this.#unwatchedLookAtMs = Infinity;
      this.#setWatchFailure(undefined);
      watch.ended.catch((error) => this.#watchLost(watch, error));
    } catch (error) {
      this.#watchLost(undefined, error);
    }
  }

  #watchLost(watch: CacheWatch | undefined, error: unknown): void {
    if (this.#watch !== watch) return;
    watch?.close();
    this.#watch = undefined;
    this.#unwatchedLookAtMs = Math.min(this.#unwatchedLookAtMs, this.#nowMs() + UNWATCHED_MS);
    this.#schedule.changed(undefined, this.#nowMs());
    this.#setWatchFailure(error instanceof Error ? error.message : String(error));
    this.#wake();
  }

  #setWatchFailure(failure: string | undefined): void {
    if (failure === this.#health.watchFailure) return;
    this.#health = { ...this.#health, watchFailure: failure };
    if (failure === undefined) this.#parts.log("notice", "the cache is watched again");
    else {
      this.#parts.log("warning", "the cache can't be watched, it is looked at every 30 s", {
        reason: failure,
      });
    }
    this.#parts.changed();
  }

  /** Tells one root from another that took its place; empty if there is none. */
  #identifyRoot(): string {
    try {
      const { dev, ino } = Deno.statSync(this.#options.reconcile.source.root);
      return `${dev}:${ino}`;
    } catch {
      return "";
    }
  }

  async #sleepUntil(untilMs: number): Promise<void> {
    const forMs = Math.min(untilMs - this.#nowMs(), TICK_MS);
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

const MAX_LOGGED = 20;
