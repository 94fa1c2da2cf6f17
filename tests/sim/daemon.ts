import { Agent } from "../../lib/agent/mod.ts";
import { EdgekeydError } from "../../lib/errors.ts";
import type { Phase } from "../../lib/reconcile/mod.ts";
import { FenceError } from "../../lib/store/mod.ts";
import type { AgentProcess } from "./agent_process.ts";
import { type AgentSetup, connect, contextOf, openCache, reconcileOptions } from "./agent_setup.ts";
import { watchNode } from "./fs_watch.ts";
import { ROOT } from "./node_model.ts";
import { CrashSignal, type Operation, type World } from "./world.ts";

const DEBOUNCE_MS = 200;
const RETRY_MAX_MS = 5_000;
const BEAT_MS = 30_000;
/** So long somebody waits for an answer. */
const PATIENCE_MS = 20_000;

/** What a daemon's own operations have in common with those that it is asked for. */
type Order = Omit<Operation, "lineage" | "startTick" | "flags" | "recoversFirst">;

/** The daemon of a state directory: lib's own, on the models of its world. */
export class Daemon {
  readonly #world: World;
  readonly #process: AgentProcess;
  readonly #agent: Agent;
  readonly #own: Pick<Order, "policy">;
  #ended: Promise<void> = Promise.resolve();

  /**
   * Starts one.
   *
   * @param world where
   * @param setup how agents are set up
   * @param process what it runs in
   * @throws {CrashSignal} if it does not live to see its cache
   * @throws {KeyCacheError} if that can't be opened
   */
  static async start(world: World, setup: AgentSetup, process: AgentProcess): Promise<Daemon> {
    const cache = await openCache(world, setup, process);
    const daemon = new Daemon(world, setup, process, cache);
    daemon.#ended = daemon.#agent.run().then(
      () => daemon.#end(undefined),
      (error) => daemon.#end(error),
    );
    return daemon;
  }

  private constructor(
    world: World,
    setup: AgentSetup,
    process: AgentProcess,
    cache: Awaited<ReturnType<typeof openCache>>,
  ) {
    const { lineage, clock } = process;
    const { node } = lineage;
    const reconcile = reconcileOptions(world, setup, process);
    this.#world = world;
    this.#process = process;
    this.#own = { policy: reconcile.policy };
    this.#agent = new Agent({
      reconcile: { ...reconcile, onPhase: (phase) => this.#phase(phase) },
      version: "0.0.0",
      rejoin: false,
      setup: { endpoints: [], stateDir: "/state", settings: {} },
      debounceMs: DEBOUNCE_MS,
      resyncIntervalMs: setup.resyncIntervalMs,
      retryMaxMs: RETRY_MAX_MS,
      beatMs: BEAT_MS,
    }, {
      clock,
      openCache: () => openCache(world, setup, process),
      checkFiles() {},
      connect: () => Promise.resolve(connect(world, setup, process)),
      credentials: () => "",
      exposures: () => [],
      store: (opened, etcd) => {
        this.#passEnded();
        return contextOf(world, setup, process, opened, etcd);
      },
      log: (level, message) => world.trace(() => `${process.name}: ${level}: ${message}`),
      watch: (hint) => watchNode(world, node, hint),
      identifyRoot: () => node.fs.identityOf(ROOT),
      beat: () => this.#passEnded(),
      changed() {},
      random: () => world.prng.uint32() / 2 ** 32,
    }, cache);
  }

  /** It is there to be asked. */
  get runs(): boolean {
    return this.#process.alive;
  }

  /** What it knows of its node. */
  get agent(): Agent {
    return this.#agent;
  }

  /**
   * Asks it for something that is no pass.
   *
   * @param order what that is
   * @param ask asks for it: with how to do what was asked for, and what ends the wait
   * @returns what it was answered with, if that was a failure
   */
  async ask(
    order: Order,
    ask: (
      noted: <T>(work: () => Promise<T>) => Promise<T>,
      signal: AbortSignal,
    ) => Promise<unknown>,
  ): Promise<Error | undefined> {
    const noted = async <T>(work: () => Promise<T>): Promise<T> => {
      this.#process.begin({ ...order, recoversFirst: order.kind === "take-over" });
      try {
        const done = await work();
        this.#process.end(undefined);
        return done;
      } catch (error) {
        if (error instanceof CrashSignal) this.#died(error);
        else if (error instanceof EdgekeydError) this.#process.end(error);
        else this.#world.scheduler.fail(error);
        throw error;
      }
    };
    return await this.#answer((signal) => ask(noted, signal));
  }

  /**
   * Asks it for a full pass, held-back deletes included.
   *
   * @returns what it failed with, if it did
   */
  async askPass(): Promise<Error | undefined> {
    const request = { dryRun: false, confirmDeletes: true, requireSingleTxn: false };
    return await this.#answer(async (signal) => {
      const { failure } = await this.#agent.reconcileNow(request, signal);
      if (failure) throw failure;
    });
  }

  /** Has it end what it is doing, and then itself. */
  async stop(): Promise<void> {
    this.#agent.stop();
    await Promise.race([this.#ended, this.#world.scheduler.sleep(PATIENCE_MS)]);
    this.kill();
  }

  /** It is no more, from one moment to the next. */
  kill(): void {
    this.#died(new CrashSignal("killed"));
  }

  async #answer(
    ask: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<Error | undefined> {
    const patience = new AbortController();
    const callOff = this.#world.scheduler.alarm(PATIENCE_MS, () => patience.abort());
    try {
      await ask(patience.signal);
      return undefined;
    } catch (error) {
      if (error instanceof EdgekeydError || error instanceof CrashSignal) return error;
      throw error;
    } finally {
      callOff();
    }
  }

  /** A full pass recovers first, whatever is pending; one of a few groups does not. */
  #phase(phase: Phase | undefined): void {
    if (phase === undefined || this.#process.isBusy || !this.#process.alive) return;
    const isFull = phase === "recover";
    this.#process.begin({
      ...this.#own,
      kind: isFull ? "reconcile" : "group-pass",
      within: undefined,
      component: undefined,
      recoversFirst: isFull,
    });
  }

  /** What it was asked for has noted its own end by then. */
  #passEnded(): void {
    if (!this.#process.isBusy || !this.#process.alive) return;
    const { failure } = this.#agent.health;
    this.#process.end(failure && new EdgekeydError(failure.code, failure.message));
  }

  #end(error: unknown): void {
    const isExpected = error === undefined || error instanceof CrashSignal ||
      error instanceof FenceError;
    if (!isExpected) return this.#world.scheduler.fail(error);
    try {
      if (this.#process.alive && error instanceof FenceError) this.#process.end(error);
      this.#died(new CrashSignal("ended"));
    } catch (broken) {
      // Nobody awaits this: what a checker says of it would end the whole run of seeds.
      this.#world.scheduler.fail(broken);
    }
  }

  #died(signal: CrashSignal): void {
    this.#process.alive = false;
    this.#process.end(signal);
  }
}
