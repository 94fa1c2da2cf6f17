import { EdgekeydError } from "../errors.ts";
import { EtcdError, type KeyWatch, type WatchEvent } from "../etcd/mod.ts";
import type { FenceSight } from "../store/mod.ts";
import type { AgentClock } from "./agent_clock.ts";
import type { Connections } from "./connections.ts";
import type { Findings } from "./findings.ts";
import { etcdStateAfter } from "./health.ts";
import { Nap } from "./nap.ts";
import { NewestRevision } from "./newest_revision.ts";
import { OthersWrites } from "./others_writes.ts";
import type { Schedule } from "./schedule.ts";
import { WatchTries } from "./watch_tries.ts";

/** An etcd that has not answered for so long since its watch broke is away. */
const AWAY_MS = 1_500;
/** An etcd that is away is asked again after this long at first, and in the end, in ms. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [100, 1_000];
/** A watch that fails so often on end, while etcd answers else, counts as refused. */
const MAX_REFUSALS = 3;
/** The start waits no longer for a watch. */
const BEGIN_MS = 1_000;

/** What the watch is given of the world. */
export interface EtcdWatchParts {
  readonly clock: AgentClock;
  /** A number from 0 to below 1. */
  random(): number;
}

/** What it works with, and who is told. */
export interface EtcdWatchTools {
  readonly connections: Connections;
  readonly findings: Findings;
  readonly schedule: Schedule;
}

/** What is done about what it finds. */
export interface EtcdWatchActs {
  /** Takes in what failed. */
  failed(failure: EdgekeydError): void;
  /** Takes in what the fence says, as judgeFence tells it. */
  fenceSeen(kind: string): void;
  /** Has the loop come round. */
  wake(): void;
}

/**
 * Watches etcd beside the loop: the own fence, and deletes of the keys that are held. It finds an
 * etcd that went away, came back empty, older or as another cluster, and has it acted on at once.
 * What it learns it never writes itself: a pass of the loop does.
 */
export class EtcdWatch {
  readonly #parts: EtcdWatchParts;
  readonly #tools: EtcdWatchTools;
  readonly #acts: EtcdWatchActs;
  readonly #others: OthersWrites;
  readonly #tries: WatchTries;
  readonly #nap: Nap;
  readonly #tried = Promise.withResolvers<void>();
  #watch: KeyWatch | undefined;
  #closed = false;
  /** Somebody else wrote to the fence. */
  #isStirred = false;
  readonly #newest = new NewestRevision();

  /**
   * @param parts the world
   * @param tools what it works with, and who is told
   * @param acts what is done about what it finds
   */
  constructor(parts: EtcdWatchParts, tools: EtcdWatchTools, acts: EtcdWatchActs) {
    this.#parts = parts;
    this.#tools = tools;
    this.#acts = acts;
    this.#others = new OthersWrites(() => tools.connections.cache);
    this.#tries = new WatchTries(parts.random);
    this.#nap = new Nap(parts.clock);
  }

  /** Watches until it is closed. */
  async run(): Promise<void> {
    let broke: EdgekeydError | undefined;
    while (!this.#closed) {
      const watch = await this.#reach(broke);
      broke = watch && await this.#follow(watch);
      if (!watch) await this.#pause(this.#tries.pauseMs(this.#nowMs()));
    }
  }

  /** Waits for the first try to begin a watch, but not for long. What is found later is told. */
  async begun(): Promise<void> {
    if (!this.#watch) this.#nap.wake();
    const { promise: overdue, resolve } = Promise.withResolvers<void>();
    const callOff = this.#parts.clock.alarm(BEGIN_MS, resolve);
    await Promise.race([this.#tried.promise, overdue]);
    callOff();
  }

  /** Ends it. */
  close(): void {
    this.#closed = true;
    this.#watch?.close();
    this.#tried.resolve();
    this.#nap.wake();
  }

  /**
   * Asks etcd until it answers, and has it acted on.
   *
   * @param broke why the last watch ended, if there was one
   * @returns the next watch; undefined if there is none for now
   */
  async #reach(broke: EdgekeydError | undefined): Promise<KeyWatch | undefined> {
    let why = broke;
    let isOverdue = false;
    const callOff = this.#parts.clock.alarm(AWAY_MS, () => {
      isOverdue = true;
      this.#failed(why);
    });
    let refusals = 0;
    try {
      for (let pauseMs = FIRST_PAUSE_MS; !this.#closed; pauseMs = longer(pauseMs)) {
        const watch = await this.#begin();
        const seen = await this.#look();
        const isAnswer = seen !== undefined && !(seen instanceof EdgekeydError);
        if (isAnswer) {
          this.#answered(seen, { isAnew: isWatch(watch), wasAway: why !== undefined });
        }
        // A full pass that begins from now on sees what the watch does not tell.
        if (watch) this.#tried.resolve();
        if (isAnswer && !(watch instanceof EtcdError)) return watch;
        if (isAnswer && watch instanceof EtcdError) {
          refusals++;
          if (!isAway(watch) || refusals === MAX_REFUSALS) {
            this.#refused(watch);
            return undefined;
          }
        }
        if (isWatch(watch)) watch.close();
        if (seen instanceof EdgekeydError) {
          why = seen;
          if (isOverdue || !isAway(seen)) this.#failed(seen);
          if (!isAway(seen)) return undefined;
        }
        await this.#pause(pauseMs);
      }
      return undefined;
    } finally {
      callOff();
    }
  }

  /** Lets a watch tell until it has ended. @returns why it did, if that is known */
  async #follow(watch: KeyWatch): Promise<EdgekeydError | undefined> {
    this.#watch = watch;
    const begunAtMs = this.#nowMs();
    let isOver = false;
    const ended = watch.ended.finally(() => {
      isOver = true;
      this.#nap.wake();
    });
    while (!isOver && !this.#closed) {
      if (!this.#isStirred) await this.#pause(Infinity);
      if (!this.#isStirred || isOver) continue;
      this.#isStirred = false;
      const seen = await this.#look();
      if (seen instanceof EdgekeydError) {
        watch.close();
        await ended;
        return seen;
      }
      if (seen) this.#answered(seen, NOTHING_NEW);
    }
    watch.close();
    this.#watch = undefined;
    this.#tries.ended(begunAtMs, this.#nowMs());
    return await ended;
  }

  /** One try to begin a watch, unless it is too soon, or nobody has a client yet. */
  async #begin(): Promise<KeyWatch | EtcdError | undefined> {
    if (!this.#tries.isDue(this.#nowMs())) return undefined;
    const { connections, findings } = this.#tools;
    this.#isStirred = false;
    try {
      const watch = await connections.watchEtcd((event) => this.#take(event));
      if (!watch) return undefined;
      findings.etcdWatched(undefined);
      return watch;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      return error;
    }
  }

  /** One look at the fence. @returns undefined if there is nobody to ask, or nothing to compare */
  async #look(): Promise<Sight | EdgekeydError | undefined> {
    const before = this.#newest.value;
    try {
      const seen = await this.#tools.connections.lookAtFence();
      return seen && { ...seen, before };
    } catch (error) {
      if (error instanceof EdgekeydError) return error;
      throw error;
    }
  }

  /** What was deleted while nobody watched, only a look at everything tells. */
  #answered(seen: Sight, { isAnew, wasAway }: Answer): void {
    const { findings, schedule } = this.#tools;
    const wentBack = this.#newest.answered(seen, seen.before);
    if (seen.kind !== undefined) this.#acts.fenceSeen(seen.kind);
    // The own keys may all be there; what others put, and was taken for as good, need not be.
    if (wentBack && findings.health.fence === undefined) this.#acts.fenceSeen("reset");
    if (wasAway && findings.health.etcd === "away") schedule.demandFull(this.#nowMs());
    else if (isAnew) schedule.fullSoon(this.#nowMs(), this.#parts.random());
    this.#acts.wake();
  }

  /** Etcd answers, but lets nobody watch. */
  #refused(refusal: EtcdError): void {
    this.#tries.refused(this.#nowMs());
    this.#tools.findings.etcdWatched(refusal.message);
    this.#acts.wake();
  }

  /** While a Txn is on its way, its own end tells; and who has failed already tries by itself. */
  #failed(failure: EdgekeydError | undefined): void {
    const { connections: { cache }, findings: { health } } = this.#tools;
    if (!failure || this.#closed || cache.intent || health.failure || health.retired) return;
    this.#acts.failed(failure);
  }

  #take(event: WatchEvent): void {
    this.#newest.told(event.modRevision);
    const about = this.#others.about(event);
    if (about === "fence") {
      this.#isStirred = true;
      this.#nap.wake();
    } else if (about === "held") {
      this.#tools.schedule.deleted(event.key, this.#nowMs(), this.#parts.random());
      this.#acts.wake();
    }
  }

  async #pause(ms: number): Promise<void> {
    if (!this.#closed) await this.#nap.sleep(ms);
  }

  #nowMs(): number {
    return this.#parts.clock.monotonicMs();
  }
}

/** A look at the fence. */
interface Sight extends FenceSight {
  /** The newest revision that was known of before it. */
  readonly before: bigint;
}

/** What is known of an answer beside what it says. */
interface Answer {
  /** A watch has begun that there was not before. */
  readonly isAnew: boolean;
  /** It did not answer before. */
  readonly wasAway: boolean;
}

const NOTHING_NEW: Answer = { isAnew: false, wasAway: false };

function isWatch(begun: KeyWatch | EtcdError | undefined): begun is KeyWatch {
  return begun !== undefined && !(begun instanceof EtcdError);
}

function isAway(failure: EdgekeydError): boolean {
  return failure instanceof EtcdError && etcdStateAfter(failure) === "away";
}

function longer(pauseMs: number): number {
  return Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
}
