import { EdgekeydError } from "../errors.ts";
import { KeyCacheError } from "../keycache/mod.ts";
import type { ReconcileOutcome } from "../reconcile/mod.ts";
import { FenceError, type StoreContext, UnknownOutcomeError } from "../store/mod.ts";
import type { AgentClock } from "./agent_clock.ts";
import { Backoff } from "./backoff.ts";
import type { Connections } from "./connections.ts";
import { EtcdWatch } from "./etcd_watch.ts";
import type { Findings } from "./findings.ts";
import { isOfEitherSide } from "./health.ts";
import type { Log } from "./log.ts";
import { LOOK_AROUND_MS, LookAround } from "./look_around.ts";
import { Nap } from "./nap.ts";
import type { Passes } from "./passes.ts";
import type { Requests } from "./requests.ts";
import type { RootWatch } from "./root_watch.ts";
import type { Due, Schedule } from "./schedule.ts";

/** How the loop works. */
export interface LoopOptions {
  /** The longest pause after a pass that failed, in ms. */
  readonly retryMaxMs: number;
  /** The loop comes round at least this often, in ms, so that it can show that it is alive. */
  readonly beatMs: number;
}

/** What the loop is given of the world. */
export interface LoopParts {
  /** The time that it goes by. */
  readonly clock: AgentClock;
  /** Where it tells what it does. */
  readonly log: Log;
  /** Told that the loop is alive. */
  beat(): void;
  /** A number from 0 to below 1. */
  random(): number;
}

/** What the loop brings together. */
export interface LoopTools {
  readonly connections: Connections;
  readonly findings: Findings;
  readonly schedule: Schedule;
  readonly watch: RootWatch;
  readonly passes: Passes;
  readonly requests: Requests;
}

/** What a fence may be without anything being wrong: a Txn that is pending is seen to anyway. */
const SETTLED: ReadonlySet<string> = new Set([
  "in-step",
  "applied",
  "not-applied",
  "fenced-off",
]);

/**
 * The one place that writes, and that reads what the cache is fed with. What it does is decided by
 * what is due, not by what happened, so nothing is lost while it is busy or etcd is away.
 */
export class Loop {
  readonly #options: LoopOptions;
  readonly #parts: LoopParts;
  readonly #tools: LoopTools;
  readonly #backoff: Backoff;
  readonly #lookAround: LookAround;
  readonly #etcdWatch: EtcdWatch;
  #stopping = false;
  /** The last step made a pass that was asked for. */
  #hasMadeAsked = false;
  #fatal: { readonly error: unknown } | undefined;
  readonly #nap: Nap;

  /**
   * @param options how it works
   * @param parts what it is given of the world
   * @param tools what it brings together
   */
  constructor(options: LoopOptions, parts: LoopParts, tools: LoopTools) {
    this.#options = options;
    this.#parts = parts;
    this.#tools = tools;
    this.#nap = new Nap(parts.clock);
    this.#backoff = new Backoff(options.retryMaxMs, parts.random);
    this.#lookAround = new LookAround(parts, tools, {
      failed: (failure) => this.failed(failure),
      reload: () => this.reload(),
    });
    const { findings } = tools;
    this.#etcdWatch = new EtcdWatch(parts, tools, {
      failed: (failure) => {
        this.failed(failure);
        findings.tell();
      },
      fenceSeen: (kind) => {
        this.fenceSeen(kind);
        // What the loop is at may take its time.
        findings.tell();
      },
      wake: () => this.wake(),
    });
  }

  /** It ends once what it is doing is done. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Connects to etcd anew, and makes a full pass. */
  reload(): void {
    this.#tools.connections.renewEtcd();
    this.#tools.schedule.demandFull(this.#nowMs());
    this.wake();
  }

  /** Somebody found that etcd is not what the cache says: a full pass follows soon. */
  driftSeen(): void {
    this.#tools.schedule.fullSoon(this.#nowMs(), this.#parts.random());
    this.wake();
  }

  /** Ends once what it is doing is done. */
  stop(): void {
    this.#stopping = true;
    this.#tools.requests.end();
    this.wake();
  }

  /**
   * Runs until it is stopped.
   *
   * @throws {FenceError} if another agent has this node's name, or the cache was rolled back
   */
  async run(): Promise<void> {
    const { connections, findings, requests, schedule, watch } = this.#tools;
    const watching = this.#etcdWatch.run().catch((error: unknown) => this.#end(error));
    try {
      while (!this.#stopping) {
        this.#parts.beat();
        if (findings.health.retired) {
          this.#etcdWatch.close();
          requests.end();
          await this.#sleepUntil(Infinity);
        } else {
          await this.#lookAround.look();
          await this.#step(schedule.due(this.#nowMs()));
        }
        findings.tell();
        if (this.#fatal) throw this.#fatal.error;
      }
    } finally {
      requests.end();
      findings.end();
      this.#etcdWatch.close();
      await watch.close();
      connections.close();
      await watching;
    }
  }

  /**
   * Takes in what failed: nothing is done for a while, then a full pass.
   *
   * @param failure what failed
   */
  failed(failure: EdgekeydError): void {
    const { connections, findings, passes, requests, schedule } = this.#tools;
    findings.failed(failure);
    if (failure instanceof FenceError && !passes.takesOver(failure)) this.#end(failure);
    if (failure instanceof KeyCacheError) connections.dropCache();
    schedule.failed(this.#backoff.next(), this.#nowMs());
    requests.refuseOperations(failure.message);
    this.wake();
  }

  /**
   * Takes in a pass.
   *
   * @param outcome what it came to
   */
  passed({ failure }: ReconcileOutcome): void {
    if (failure) this.failed(failure);
    else this.#backoff.reset();
  }

  /**
   * Takes in what a look at the fence said. While it says that etcd is not as it was left, the node
   * is not ready, and a full pass comes at once; after a reset, which all nodes of the pool see, a
   * moment later.
   *
   * @param kind as judgeFence tells it
   */
  fenceSeen(kind: string): void {
    const { findings, schedule } = this.#tools;
    if (SETTLED.has(kind) || findings.health.retired) return;
    findings.fenceSeen(kind);
    if (kind === "reset") schedule.refill(this.#nowMs(), this.#parts.random());
    else schedule.demandFull(this.#nowMs());
    this.wake();
  }

  /** Comes round now: there is something to do. */
  wake(): void {
    this.#nap.wake();
  }

  async #step(due: Due): Promise<void> {
    const { connections, findings, passes, requests, watch } = this.#tools;
    // Who asks again and again must not keep what is due from its turn: a dry run does none of it.
    const isAsked = requests.hasPass && (due.kind === "wait" || !this.#hasMadeAsked);
    this.#hasMadeAsked = isAsked;
    if (isAsked) await requests.nextPass(await this.#context());
    else if (due.kind !== "wait") await this.#pass(due);
    // Operations after each pass too, or a steady stream of changes would starve them. A pass that
    // is asked for waits for directories to settle, so that all go that have waited for it.
    let turns = isAsked ? requests.operations : Math.min(1, requests.operations);
    if (turns > 0 && this.#takesOperations) {
      while (turns-- > 0 && this.#takesOperations) await this.#operate();
    } else if (due.kind === "wait" && !isAsked) {
      await this.#sleepUntil(Math.min(due.untilMs, this.#lookAround.atMs, watch.checkAtMs));
    }
    // A part of a pass, or an operation, has found it so.
    if (passes.isBehind(connections.cache) && findings.health.failure === undefined) {
      this.fenceSeen("reset");
    }
  }

  get #takesOperations(): boolean {
    const { findings, requests } = this.#tools;
    return findings.health.lastSuccessMs !== undefined && requests.refusal === undefined;
  }

  async #pass(due: Exclude<Due, { kind: "wait" }>): Promise<void> {
    const context = await this.#context();
    if (!context) return;
    // What is deleted behind the look of the first pass, the watch tells.
    await this.#etcdWatch.begun();
    this.passed(await this.#tools.passes.due(context, due));
  }

  #end(error: unknown): void {
    this.#fatal ??= { error };
    this.wake();
  }

  async #operate(): Promise<void> {
    const context = await this.#context();
    if (!context) return;
    const { findings, requests, schedule } = this.#tools;
    const before = findings.keysHeldBack;
    const error = await requests.nextOperation(context);
    // Somebody let go of what the deletes that are held back are about: are they still? And what it
    // alone held may be in etcd, be it newer than what the others hold.
    if (findings.keysHeldBack !== before) schedule.demandFull(this.#nowMs());
    const failure = error instanceof UnknownOutcomeError ? error.cause : error;
    const isStuck = failure instanceof EdgekeydError &&
      (context.cache.intent !== undefined || isOfEitherSide(failure));
    if (isStuck) this.failed(failure);
    else findings.written();
  }

  /** Both sides; undefined if one of them can't be had now. */
  async #context(): Promise<StoreContext | undefined> {
    try {
      return await this.#tools.connections.context();
    } catch (error) {
      if (!(error instanceof EdgekeydError)) throw error;
      this.failed(error);
      return undefined;
    }
  }

  async #sleepUntil(untilMs: number): Promise<void> {
    const forMs = Math.min(untilMs - this.#nowMs(), LOOK_AROUND_MS, this.#options.beatMs);
    if (forMs > 0) await this.#nap.sleep(forMs);
  }

  #nowMs(): number {
    return this.#parts.clock.monotonicMs();
  }
}
