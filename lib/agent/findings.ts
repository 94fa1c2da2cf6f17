import type { EdgekeydError } from "../errors.ts";
import type { ComponentRemains } from "../fscache/mod.ts";
import type { Exposure } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { ReconcileOutcome } from "../reconcile/mod.ts";
import type { ConflictPolicy } from "../store/mod.ts";
import { cacheFacts } from "./cache_facts.ts";
import {
  type Condition,
  ConditionLog,
  conditionsOf,
  exceptionsOf,
  stateOf,
  type Surroundings,
} from "./conditions/mod.ts";
import {
  type Health,
  healthAfter,
  healthAfterFailure,
  healthAfterRetiring,
  type Looked,
  UNKNOWN_HEALTH,
} from "./health.ts";
import type { Log } from "./log.ts";
import { PassLog } from "./pass_log.ts";
import type { NodeFacts } from "./status.ts";

/** What is made known, and to whom. */
export interface FindingsParts {
  /** The root of the fs cache. */
  readonly cacheRoot: string;
  /** How the node was set up. */
  readonly setup: Surroundings;
  /** The cluster (decimal) that answered an earlier run; undefined if none is on record. */
  readonly clusterId: string | undefined;
  /** What counts as a conflict. */
  readonly policy: ConflictPolicy;
  /** The component-key cache, as it is at the moment. */
  readonly cache: () => ComponentKeyCache;
  readonly log: Log;
  /** A clock that only runs forward, in ms. */
  readonly monotonicMs: () => number;
  /** Told what holds, whenever that may be something else than before. */
  readonly changed: (conditions: readonly Condition[]) => void;
}

/** What the agent has found out about its node, and whether everybody was told of it. */
export class Findings {
  readonly #parts: FindingsParts;
  readonly #passLog: PassLog;
  readonly #conditionLog: ConditionLog;
  #health: Health = UNKNOWN_HEALTH;
  /** Judges the node, if there is something new to tell. */
  #news: (() => readonly Condition[]) | undefined;
  readonly #judge = () => this.conditions;
  #toldOfSecrets = false;
  /** What the last pass left of components whose deletes are held back. */
  #remains: ReadonlyMap<string, ComponentRemains | undefined> = new Map();

  /** @param parts what is made known, and to whom */
  constructor(parts: FindingsParts) {
    this.#parts = parts;
    this.#passLog = new PassLog(parts.log, parts.monotonicMs);
    this.#conditionLog = new ConditionLog(parts.log);
  }

  /** What the last passes said. */
  get health(): Health {
    return this.#health;
  }

  /** All that conditions are judged by. */
  get facts(): NodeFacts {
    const { cache, cacheRoot, policy, setup: { namedStateDir } } = this.#parts;
    return {
      ...this.#health,
      ...cacheFacts(cache(), policy),
      daemon: true,
      cacheRoot,
      namedStateDir,
      remainsOf: (component) => this.#remains.get(component),
      // While all goes well, one that is pending is only on its way.
      ...(!this.#health.failure && { pendingKeys: 0 }),
    };
  }

  /** The conditions that hold now. */
  get conditions(): Condition[] {
    return conditionsOf(this.facts);
  }

  /** How many keys the components hold whose deletes are held back. */
  get keysHeldBack(): number {
    const { byOwner } = this.#parts.cache();
    let keys = 0;
    for (const { component } of this.#health.heldBack) {
      for (const group of byOwner.get(component)?.values() ?? []) keys += group.size;
    }
    return keys;
  }

  /**
   * Takes in a pass that came to its end.
   *
   * @param outcome what it came to
   * @param looked what it looked at
   * @param nowMs wall clock, ms since the epoch
   */
  passed(
    outcome: ReconcileOutcome,
    looked: Omit<Looked, "components">,
    nowMs: number,
  ): void {
    const components = this.#parts.cache().byOwner.keys();
    const { clusterId = "" } = this.#parts;
    const before = { ...this.#health, clusterId: this.#health.clusterId || clusterId };
    this.#health = healthAfter(before, outcome, { ...looked, components }, nowMs);
    const { remainsOf } = this.#parts.setup;
    this.#remains = new Map(
      this.#health.heldBack.map(({ component }) => [component, remainsOf?.(component)]),
    );
    this.#tellOfSecrets();
    const { facts } = this;
    const conditions = conditionsOf(facts);
    const isInStep = stateOf(conditions) === "in-step";
    const words = isInStep ? "in step" : exceptionsOf(conditions);
    this.#passLog.passed(outcome, facts.conflicts, words);
    // Each judgement looks at every row.
    this.#news = () => conditions;
  }

  /** Once: it stays as it was set up until the next start. */
  #tellOfSecrets(): void {
    const { secretsLeftOut: count } = this.#health;
    if (count === 0 || this.#toldOfSecrets) return;
    this.#toldOfSecrets = true;
    this.#parts.log("notice", "core Secrets are left out; --include-secrets imports them", {
      count,
    });
  }

  /**
   * Takes in a failure, of a pass or of something else.
   *
   * @param failure what failed
   */
  failed(failure: EdgekeydError): void {
    this.#health = healthAfterFailure(this.#health, failure);
    this.#passLog.failed(failure);
    this.#news = this.#judge;
  }

  /**
   * Takes in that the fence in etcd is not what it should be.
   *
   * @param kind what it is, as judgeFence tells it
   */
  fenceSeen(kind: string): void {
    const { fenceKey: key } = this.#parts.cache().identity;
    this.#health = { ...this.#health, fence: { kind, key } };
    this.#news = this.#judge;
  }

  /** Takes in that the node has left the pool, now or before this start. */
  retired(): void {
    this.#health = healthAfterRetiring(this.#health);
    this.#news = this.#judge;
  }

  /**
   * Takes in how the fs cache is watched.
   *
   * @param failure why it is not; undefined if it is
   */
  watched(failure: string | undefined): void {
    this.#health = { ...this.#health, watchFailure: failure };
    this.#news = this.#judge;
  }

  /**
   * Takes in whether etcd can be watched.
   *
   * @param failure why not; undefined if it is
   */
  etcdWatched(failure: string | undefined): void {
    if (failure === this.#health.etcdWatchFailure) return;
    this.#health = { ...this.#health, etcdWatchFailure: failure };
    this.#news = this.#judge;
  }

  /**
   * Takes in whether the alive key can be kept.
   *
   * @param failure why not; undefined if it can, or nobody knows
   */
  aliveKept(failure: string | undefined): void {
    if (failure === this.#health.aliveFailure) return;
    this.#health = { ...this.#health, aliveFailure: failure };
    this.#news = this.#judge;
  }

  /**
   * Takes in whether certificates and password can be read again.
   *
   * @param failure why not; undefined if they can, or nobody tried
   */
  credentialsRead(failure: string | undefined): void {
    if (failure === this.#health.credentialFailure) return;
    this.#health = { ...this.#health, credentialFailure: failure };
    this.#news = this.#judge;
  }

  /**
   * Takes in whether the state directory can be written to.
   *
   * @param failure why not; undefined if it can
   */
  stateSeen(failure: string | undefined): void {
    if (failure === this.#health.stateFailure) return;
    this.#health = { ...this.#health, stateFailure: failure };
    const { log } = this.#parts;
    if (failure === undefined) log("notice", "the state directory can be written to again");
    else log("warning", failure);
    this.#news = this.#judge;
  }

  /**
   * Takes in who else could have what etcd knows us by.
   *
   * @param exposures each way
   */
  exposed(exposures: readonly Exposure[]): void {
    if (JSON.stringify(exposures) === JSON.stringify(this.#health.exposures)) return;
    this.#health = { ...this.#health, exposures };
    this.#news = this.#judge;
  }

  /** Takes in that the component-key cache may have changed. */
  written(): void {
    this.#news = this.#judge;
  }

  /** Tells of what is new. Called between two steps: nobody is told of what is on its way. */
  tell(): void {
    this.#passLog.changes.tick();
    const conditions = this.#news?.();
    if (!conditions) return;
    this.#news = undefined;
    this.#conditionLog.tell(conditions);
    this.#parts.changed(conditions);
  }

  /** Nothing is found out any more: what was to be told later is told now. */
  end(): void {
    this.#passLog.changes.sumUp();
  }
}
