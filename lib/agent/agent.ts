import type { CacheWatch, WatchHint } from "../fscache/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import {
  type ReconcileOptions,
  type ReconcileOutcome,
  retire,
  RetiredError,
  type TakeOver,
  type Verification,
  verify,
} from "../reconcile/mod.ts";
import type { ApplyResult } from "../store/mod.ts";
import type { AgentClock } from "./agent_clock.ts";
import { AliveKey, dropAliveKey } from "./alive_key.ts";
import type { Condition, Facts, Surroundings } from "./conditions/mod.ts";
import { type ConnectionParts, Connections } from "./connections.ts";
import { Findings } from "./findings.ts";
import type { Health } from "./health.ts";
import { writeToItsEnd } from "./interrupted_write.ts";
import type { Log } from "./log.ts";
import { LATE, lateFacts, type Measured, measureEtcd } from "./measure_etcd.ts";
import { Loop, type LoopOptions, type LoopParts } from "./loop.ts";
import type { Node, PassRequest } from "./node.ts";
import { Passes } from "./passes.ts";
import { isRetired, rememberRejoining, rememberRetiring } from "./remembered.ts";
import { Requests, type Work } from "./requests.ts";
import { RootWatch } from "./root_watch.ts";
import { Schedule, type ScheduleOptions } from "./schedule.ts";
import { type NodeStatus, type Setup, statusOf } from "./status.ts";
import { type AskedWrite, WriteLog } from "./write_log.ts";

/** How the daemon works. */
export interface AgentOptions extends LoopOptions, Omit<ScheduleOptions, "settleMs"> {
  /** Its clock is the agent's. */
  readonly reconcile: Omit<ReconcileOptions, "clock">;
  /** How it was set up, as the status shows it. */
  readonly setup: Setup;
  /** The cluster (decimal) that answered an earlier run; undefined if none is on record. */
  readonly clusterId?: string | undefined;
  /** The version of edgekeyd, as it is told to the pool. */
  readonly version: string;
  /** A node that was retired takes part again; else it stays out, and only tells of itself. */
  readonly rejoin: boolean;
}

/** What the daemon is given to work with: it touches nothing else of the world. */
export interface AgentParts extends ConnectionParts, LoopParts {
  /** Starts a watch on the cache root; throws if it can't be watched. */
  watch(hint: (hint: WatchHint) => void): CacheWatch;
  /** Tells one cache root from another that took its place; empty if there is none. */
  identifyRoot(): string;
  /** Told the conditions that hold, whenever health or cache may have changed. */
  changed(conditions: readonly Condition[]): void;
}

/** The daemon: its loop, and what others may ask of it. */
export class Agent implements Node {
  /** How it reconciles. */
  readonly reconcileOptions: ReconcileOptions;
  readonly #setup: Setup;
  readonly #rejoin: boolean;
  readonly #log: Log;
  readonly #clock: AgentClock;
  readonly #schedule: Schedule;
  readonly #connections: Connections;
  readonly #findings: Findings;
  readonly #passes: Passes;
  readonly #requests: Requests;
  readonly #writes: WriteLog;
  readonly #loop: Loop;

  /**
   * Makes an agent that does nothing until it runs.
   *
   * @param options how it works
   * @param parts what it works with
   * @param cache the component-key cache, open
   */
  constructor(options: AgentOptions, parts: AgentParts, cache: ComponentKeyCache) {
    const { clock, log } = parts;
    const reconcile = { ...options.reconcile, clock };
    const { source: { root, settleMs }, policy } = reconcile;
    const connections = new Connections(parts, cache);
    const schedule = new Schedule({ ...options, settleMs }, clock.monotonicMs());
    const findings = new Findings({
      cacheRoot: root,
      setup: options.setup,
      clusterId: options.clusterId,
      policy,
      cache: () => connections.cache,
      log,
      monotonicMs: () => clock.monotonicMs(),
      changed: (conditions) => parts.changed(conditions),
    });
    const wake = () => this.#loop.wake();
    const watch = new RootWatch({
      watch: (hint) => parts.watch(hint),
      identify: () => parts.identifyRoot(),
      changed(group) {
        schedule.changed(group, clock.monotonicMs());
        wake();
      },
      // A pass that failed without a root need not wait any longer.
      appeared: () => schedule.demandFull(clock.monotonicMs()),
      failed(reason) {
        findings.watched(reason);
        wake();
      },
    });
    const random = () => parts.random();
    const alive = new AliveKey(options);
    const passes = new Passes(reconcile, { schedule, findings, watch, random, alive }, cache);
    const requests = new Requests(findings, wake);
    this.reconcileOptions = reconcile;
    this.#setup = options.setup;
    this.#rejoin = options.rejoin;
    this.#log = log;
    this.#clock = clock;
    this.#schedule = schedule;
    this.#connections = connections;
    this.#findings = findings;
    this.#passes = passes;
    this.#requests = requests;
    this.#writes = new WriteLog(log);
    const tools = { connections, findings, schedule, watch, passes, requests };
    this.#loop = new Loop(options, parts, tools);
    if (!options.rejoin && isRetired(cache)) findings.retired();
  }

  /** What the last passes said. */
  get health(): Health {
    return this.#findings.health;
  }

  /** The component-key cache, to look at only. */
  get cache(): ComponentKeyCache {
    return this.#connections.cache;
  }

  /** The conditions that hold now. */
  get conditions(): Condition[] {
    return this.#findings.conditions;
  }

  /** How it is doing, as it is known without asking. */
  get known(): NodeStatus {
    return this.#statusWith(undefined);
  }

  /** How it is doing, and how fast etcd answers now. */
  async status(): Promise<NodeStatus> {
    const measured = await this.#measureEtcd();
    const isLate = measured === LATE;
    return this.#statusWith(isLate ? undefined : measured, isLate ? lateFacts(this.#setup) : {});
  }

  get surroundings(): Surroundings {
    const { namedStateDir, remainsOf } = this.#setup;
    return { namedStateDir, remainsOf };
  }

  look<T>(view: (cache: ComponentKeyCache) => T): Promise<T> {
    return Promise.resolve(this.cache).then(view);
  }

  submit<T>(operation: Work<T>, signal: AbortSignal): Promise<T> {
    return this.#requests.submit(operation, signal);
  }

  /** What is found out is put right at once. */
  verify(signal: AbortSignal): Promise<Verification> {
    return this.submit(async (context) => {
      const found = await verify(context);
      if (found.fence !== undefined) this.#loop.fenceSeen(found.fence);
      // What another changed is healed by a full pass, as far as the policy lets it.
      else if (found.drift.length > 0) this.#loop.driftSeen();
      return found;
    }, signal);
  }

  /** A write is logged by what it changed, whether or not somebody still waits. */
  write(
    asked: AskedWrite,
    operation: Work<ApplyResult>,
    signal: AbortSignal,
  ): Promise<ApplyResult> {
    return writeToItsEnd((work) => this.submit(work, signal), async (context) => {
      const tell = this.#writes.before(asked, context.cache);
      const applied = await operation(context);
      tell(applied);
      return applied;
    });
  }

  takeOver(asked: AskedWrite, operation: Work<TakeOver>, signal: AbortSignal): Promise<TakeOver> {
    return this.submit(async (context) => {
      const done = await operation(context);
      this.#writes.tookOver(asked, done);
      return done;
    }, signal);
  }

  reconcileNow(request: PassRequest, signal: AbortSignal): Promise<ReconcileOutcome> {
    return this.#requests.submitPass(async (context) => {
      const outcome = await this.#passes.asked(context, request);
      // What a dry run came to says nothing of the node.
      if (!request.dryRun) this.#loop.passed(outcome);
      return outcome;
    }, signal);
  }

  /** From then on the agent does nothing any more. */
  retire(signal: AbortSignal): Promise<ApplyResult> {
    const run = (work: Work<ApplyResult>) =>
      this.submit(async (context) => {
        const applied = await work(context);
        this.#findings.retired();
        this.#log("notice", "this node was retired; nothing is written any more");
        return applied;
      }, signal);
    return writeToItsEnd(run, async (context) => {
      const applied = await retire(context);
      if (applied.failure) return applied;
      await rememberRetiring(context.cache);
      await dropAliveKey(context);
      return applied;
    });
  }

  /** Certificates or password may have changed: connect anew and make a full pass. */
  reload(): void {
    this.#loop.reload();
  }

  /** Ends the loop once what it is doing is done. */
  stop(): void {
    this.#loop.stop();
  }

  /**
   * Runs until it is stopped.
   *
   * @throws {FenceError} if another agent has this node's name, or the cache was rolled back
   * @throws {KeyCacheError} if the node is to take part again, and that can't be remembered
   */
  async run(): Promise<void> {
    if (this.#rejoin) await rememberRejoining(this.cache);
    if (this.health.retired) this.#log("notice", new RetiredError().message);
    await this.#loop.run();
  }

  /** What was found out just now goes before what is known, but not before a better reason. */
  #statusWith(latencyMs: number | undefined, now: Partial<Facts> = {}): NodeStatus {
    const known = this.#findings.facts;
    const facts = known.failure || known.retired ? known : { ...known, ...now };
    const { dirtyGroups } = this.#schedule;
    return statusOf(this.cache, { facts, setup: this.#setup, dirtyGroups, latencyMs });
  }

  /** What it finds out, the loop acts on at once: an etcd that can't be reached, or was reset. */
  #measureEtcd(): Promise<Measured> {
    const isNews = () => !this.#loop.stopping;
    return measureEtcd(this.#clock, () => this.#connections.lookAtFence(), {
      fenceSeen: (kind) => isNews() && this.#loop.fenceSeen(kind),
      failed: (error) => isNews() && this.health.failure === undefined && this.#loop.failed(error),
    });
  }
}
