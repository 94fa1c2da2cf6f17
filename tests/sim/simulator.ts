import { txnBudget } from "../../lib/etcd/mod.ts";
import { Answered } from "./checkers/answered.ts";
import { AtRest } from "./checkers/at_rest.ts";
import { BroughtBack } from "./checkers/brought_back.ts";
import { BadFile } from "./checkers/bad_file.ts";
import { BulkDeletes } from "./checkers/bulk_deletes.ts";
import { FailedOperation } from "./checkers/failed_operation.ts";
import { LastOwner } from "./checkers/last_owner.ts";
import { NotOurs } from "./checkers/not_ours.ts";
import { NotLookedAt } from "./checkers/not_looked_at.ts";
import { NothingElse } from "./checkers/nothing_else.ts";
import { NothingForgotten } from "./checkers/nothing_forgotten.ts";
import { Noticed } from "./checkers/noticed.ts";
import { OneTxn } from "./checkers/one_txn.ts";
import { RecoveredFirst } from "./checkers/recovered_first.ts";
import { RETIRED, Retired } from "./checkers/retired.ts";
import { ShortAbsence } from "./checkers/short_absence.ts";
import { ShownFence } from "./checkers/shown_fence.ts";
import { TakenUp } from "./checkers/taken_up.ts";
import { TheValue } from "./checkers/the_value.ts";
import { WritesNothing } from "./checkers/writes_nothing.ts";
import { Cloud, MAX_RESOURCE_VERSION, RESOURCES, versionIn } from "./cloud.ts";
import { Environment } from "./environment.ts";
import { EtcdLedger } from "./etcd_ledger.ts";
import { Network } from "./faulty_etcd.ts";
import { KvDisk } from "./kv_disk.ts";
import { MarkWatcher } from "./mark_watcher.ts";
import { type Mark, Marks } from "./marks.ts";
import type { Mutation } from "./mutation.ts";
import { NodeModel } from "./node_model.ts";
import type { AgentSetup } from "./agent_setup.ts";
import { Agents } from "./operations.ts";
import type { Order } from "./orders.ts";
import { Prng } from "./prng.ts";
import { type SceneName, sceneOf } from "./scenes.ts";
import { Scheduler } from "./scheduler.ts";
import { drawLimits } from "./torn_kv.ts";
import { VirtualClock } from "./virtual_clock.ts";
import { CALM, drawWeather } from "./weather.ts";
import { drawOrder, drawPlan, reconcileOrder } from "./workload.ts";
import {
  broken,
  type Checker,
  fenceOf,
  InvariantError,
  type Lineage,
  tell,
  type World,
  type Write,
} from "./world.ts";

/** How to run one seed. */
export interface RunOptions {
  /** Breaks a rule on purpose. */
  readonly mutation?: Mutation;
  /** Only this checker judges. */
  readonly checker?: string;
  /** What the run is made for; nothing in particular if it is left out. */
  readonly scene?: SceneName;
  /** Told each line of the trace. */
  readonly trace?: (line: string) => void;
}

/** What a checker has seen. */
export interface Failure {
  readonly checker: string;
  readonly text: string;
}

/** What came of one seed. */
export interface RunResult {
  readonly seed: number;
  /** Undefined if every checker was content. */
  readonly failure: Failure | undefined;
  readonly marks: readonly (readonly [Mark, number])[];
  /** Everything that happened, counted. */
  readonly ticks: number;
}

const AT_REST = "at rest";
const SETTLE_MS = 2_000;
const MAX_ROUNDS_TO_REST = 8;
/** So long a daemon is let run before somebody wants something else. */
const WHILES_MS = [0, 300, 3_000, 12_000];
/** A daemon has found out everything by then, and comes to rest. */
const RESTING_MS = 15_000;
const LARGE_REQUEST_BYTES = 24 * 1024;

/**
 * Runs one seed: agents work and fail, then all faults end and everything has to come to rest.
 *
 * @param seed says all that happens
 * @param options how to run it
 */
export async function simulate(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const simulation = new Simulation(seed, options);
  let failure: RunResult["failure"];
  try {
    await simulation.run();
  } catch (error) {
    const checker = error instanceof InvariantError ? error.checker : "no unexpected error";
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    failure = { checker, text };
  }
  const { marks, tick } = simulation.world;
  return { seed, failure, marks: marks.counts, ticks: tick };
}

class Simulation {
  readonly world: World;
  readonly #prng: Prng;
  readonly #agents: Agents;
  readonly #environment: Environment;
  readonly #setup: AgentSetup;
  readonly #noticed: Noticed;
  /** In the end daemons bring everything to rest; else commands do. */
  readonly #restsByDaemon: boolean;

  constructor(seed: number, options: RunOptions) {
    const scene = options.scene && sceneOf(options.scene);
    const prng = this.#prng = new Prng(seed);
    const clock = new VirtualClock();
    const network = new Network();
    const world = (): World => this.world;
    const forgotten = new NothingForgotten(world);
    const watcher = new MarkWatcher(world);
    const noticed = this.#noticed = new Noticed(world);
    forgotten.judges = [forgotten.name, undefined].includes(options.checker);
    // At rest, it has to be known what the agents were allowed to forget.
    const maxDeletePercent = prng.pick([50, 100]);
    const supports = new Set<Checker>(
      options.checker === AT_REST ? [watcher, forgotten] : [watcher],
    );
    const checkers: Checker[] = [
      watcher,
      new RecoveredFirst(world),
      new BroughtBack(world),
      new NothingElse(),
      new OneTxn(world),
      new LastOwner(),
      new ShortAbsence(SETTLE_MS),
      new NotLookedAt(world),
      new NotOurs(world),
      new TheValue(world),
      forgotten,
      new BadFile(world),
      new Answered(world),
      new Retired(),
      new TakenUp(world),
      new WritesNothing(),
      new FailedOperation(),
      noticed,
      new AtRest(world, forgotten),
    ];
    if (scene) checkers.push(new ShownFence(world));
    if (scene?.onlyRemovals) checkers.push(new BulkDeletes(world, maxDeletePercent));
    const large = prng.chance(0.15);
    const maxTxnOps = prng.pick([128, 128, 128, 12]);
    const maxRequestBytes = large ? LARGE_REQUEST_BYTES : 1.5 * 1024 * 1024;
    const wrongLimit = prng.chance(0.3);
    if (prng.chance(0.15)) network.maxAnswerBytes = 10_000;
    if (prng.chance(0.15)) network.maxAnswerKeys = 3;
    const nodeCount = prng.chance(0.5) ? 2 : 1;
    const tick = () => this.world.tick;
    const nodes = Array.from(
      { length: nodeCount },
      (_, index) => {
        const name = `node-${index + 1}`;
        const log = (what: string) => this.world.trace(() => `${name} fs: ${what}`);
        return new NodeModel(name, clock, tick, log);
      },
    );
    const etcd = new EtcdLedger<Write>(
      { maxTxnOps, maxRequestBytes },
      (changes, write, request) => {
        this.world.trace(() => {
          const what = changes.map(({ key, after }) => {
            const { uid, resourceVersion } = (after && versionIn(after.value)) ?? {};
            return after ? `+${key} ${uid}@${resourceVersion}` : `-${key}`;
          });
          return `etcd ${this.world.etcd.model.revision}: ${what.join(", ")}`;
        });
        tell(this.world, (checker) => checker.etcdChanged?.(changes, write, request));
      },
    );
    const isLateCloud = prng.chance(0.05);
    this.world = {
      prng,
      clock,
      scheduler: new Scheduler(prng, clock, () => this.#environment.betweenTurns()),
      etcd,
      cloud: new Cloud(prng, isLateCloud ? MAX_RESOURCE_VERSION - BigInt(prng.below(80)) : 100n),
      nodes,
      lineages: nodes.map((node) => newLineage(node.name, node)),
      marks: new Marks(),
      checkers: checkers.filter((checker) =>
        [checker.name, undefined].includes(options.checker) || supports.has(checker)
      ),
      skipping: new Set(),
      weather: scene?.weather ?? drawWeather(prng),
      isComingToRest: false,
      tick: 0,
      replacedTick: -1,
      seenRevision: 1,
      trace: (line) => options.trace?.(`${String(this.world.tick).padStart(6)} ${line()}`),
    };
    if (isLateCloud) this.world.marks.hit("resourceVersions near 2^63");
    if (prng.chance(0.15)) {
      for (const { name } of this.world.lineages) this.world.skipping.add(name);
    }
    this.#setup = {
      network,
      kvLimits: drawLimits(this.world),
      maxTxnOps,
      requestBytes: txnBudget(wrongLimit ? 1.5 * 1024 * 1024 : maxRequestBytes),
      maxDeletePercent,
      settleMs: SETTLE_MS,
      resyncIntervalMs: prng.pick([5_000, 60_000]),
      mutation: options.mutation,
    };
    this.#restsByDaemon = prng.chance(0.5);
    const resources = RESOURCES.filter(() => prng.chance(0.6));
    if (resources.length === 0) resources.push(prng.pick(RESOURCES));
    const plans = new Map(nodes.map((node) => [node, drawPlan(prng, resources, large)]));
    this.#environment = new Environment(this.world, network, plans, resources, scene);
    this.#agents = new Agents(this.world, this.#setup);
    this.#drawOrder = (lineage) => drawOrder(this.world, lineage, resources, scene);
  }

  readonly #drawOrder: (lineage: Lineage) => ReturnType<typeof drawOrder>;

  async run(): Promise<void> {
    const rounds = this.#prng.between(3, 9);
    for (let round = 0; round < rounds; round++) {
      this.#environment.betweenRounds((lineage) => this.#agents.kill(lineage));
      this.#operatorActs();
      await this.#round();
    }
    await this.#comeToRest();
  }

  async #round(): Promise<void> {
    const { world } = this;
    const live = world.lineages.filter((lineage) => lineage.live);
    await world.scheduler.run(live.map((lineage) => async () => {
      for (let i = this.#prng.between(1, 2); i > 0; i--) {
        if (this.#prng.chance(0.4)) await this.#letRun(lineage);
        else await this.#obey(lineage);
      }
    }));
  }

  /** A daemon runs for a while, and nobody asks it for anything. */
  async #letRun(lineage: Lineage): Promise<void> {
    const daemon = await this.#agents.daemon(lineage);
    if (!daemon) return;
    await this.world.scheduler.sleep(this.#prng.pick(WHILES_MS));
    if (daemon.agent.health.heldBack.length > 0) this.world.marks.hit("deletes held back");
  }

  async #obey(lineage: Lineage): Promise<void> {
    const adopts = lineage.refused && this.#prng.chance(0.6);
    if (adopts) this.#makeWayToAdopt(lineage);
    const how = { ofDaemon: false, confirmDeletes: false };
    const { report } = await this.#agents.run(
      lineage,
      adopts
        ? { ...reconcileOrder(this.world, lineage, how), kind: "adopt" }
        : this.#drawOrder(lineage),
    );
    if ((report?.heldBack.length ?? 0) > 0) this.world.marks.hit("deletes held back");
  }

  /** A life takes over once: the operator moves the state directory of one that has done so aside. */
  #makeWayToAdopt(lineage: Lineage): void {
    if (!lineage.disk.state?.tookOver) return;
    this.#environment.loseCache(lineage, (one) => this.#agents.kill(one));
  }

  /** Starts a second agent under a node's name, or stops one of two for good. */
  #operatorActs(): void {
    const { lineages, nodes, weather } = this.world;
    for (const node of nodes) {
      const here = lineages.filter((lineage) => lineage.node === node && lineage.live);
      if (here.length === 1 && this.#prng.chance(weather.twin)) {
        const twin = newLineage(`${node.name}-twin${lineages.length}`, node);
        if (here.some(({ name }) => this.world.skipping.has(name))) {
          this.world.skipping.add(twin.name);
        }
        lineages.push(twin);
      } else if (here.length > 1 && this.#prng.chance(0.3)) {
        this.#stopForGood(this.#prng.pick(here));
      }
    }
  }

  #stopForGood(lineage: Lineage): void {
    this.world.trace(() => `${lineage.name}: stopped for good`);
    this.#agents.kill(lineage);
    lineage.live = false;
  }

  async #comeToRest(): Promise<void> {
    const { world } = this;
    world.trace(() => "calm");
    world.weather = CALM;
    world.isComingToRest = true;
    this.#environment.settle();
    for (const node of world.nodes) {
      const here = world.lineages.filter((lineage) => lineage.node === node && lineage.live);
      for (const lineage of here.slice(1)) this.#stopForGood(lineage);
    }
    const live = world.lineages.filter((lineage) => lineage.live);
    for (const lineage of live) this.#agents.kill(lineage);
    for (const lineage of live) await this.#tryAtRest(lineage);
    for (let round = 0; round < MAX_ROUNDS_TO_REST; round++) {
      const before = this.#stateOfEtcd();
      for (const lineage of live) await this.#calmPass(lineage);
      world.clock.advance(60_000);
      if (this.#stateOfEtcd() === before) {
        if (round > 1 && live.length === 1) {
          throw new InvariantError(AT_REST, `a run after a run writes, ${round} rounds on end`);
        }
        if (round > 1) world.marks.hit("no agent came to rest at once");
        tell(world, (checker) => checker.atRest?.());
        for (const lineage of live) await this.#retire(lineage);
        return;
      }
    }
    throw new InvariantError(AT_REST, "the agents never stop writing");
  }

  /** The way out of the pool: it has to be open to a node that nothing holds up. */
  async #retire(lineage: Lineage): Promise<void> {
    const checker = this.world.checkers.find(({ name }) => name === RETIRED);
    if (!checker) return;
    const order = reconcileOrder(this.world, lineage, { confirmDeletes: true, ofDaemon: false });
    let failure: Error | undefined;
    await this.world.scheduler.run([async () => {
      ({ failure } = await this.#agents.run(lineage, { ...order, kind: "retire" }));
    }]);
    if (failure) broken(checker, `${lineage.name} can't retire: ${failure.stack}`);
  }

  /**
   * All keys and their revisions, and when others went: one agent may put what the next one
   * deletes. Without the fences that every pass moves.
   */
  #stateOfEtcd(): string {
    const { etcd, lineages } = this.world;
    const restless = new Set(lineages.filter((one) => this.#looksAnew(one)).map(fenceOf));
    const states: string[] = [];
    for (const [key, { mod }] of etcd.current()) {
      if (!restless.has(key)) states.push(`${key} ${mod}`);
    }
    for (const [key, { tick }] of etcd.deletions()) {
      if (key.startsWith("/registry/")) states.push(`${key} gone ${tick}`);
    }
    return states.sort().join("\n");
  }

  /**
   * Where a bad file stands for a key, and etcd holds what is older than the cache's record of it
   * or another's, that value is read in each pass anew, which moves the fence.
   */
  #looksAnew({ live, node, disk }: Lineage): boolean {
    return live && node.files().some(({ key, version }) => {
      const row = version ? undefined : disk.row(key);
      return row !== undefined && row.mod !== String(this.world.etcd.get(key)?.mod);
    });
  }

  /** Holds a daemon at rest to what it promises of what happens in etcd. */
  async #tryAtRest(lineage: Lineage): Promise<void> {
    const { scheduler, checkers } = this.world;
    if (!this.#restsByDaemon || !checkers.includes(this.#noticed)) return;
    await scheduler.run([async () => {
      const daemon = await this.#agents.daemon(lineage);
      await scheduler.sleep(RESTING_MS);
      if (daemon) await this.#noticed.try(lineage, daemon, this.#environment);
    }]);
  }

  async #calmPass(lineage: Lineage): Promise<void> {
    const order = reconcileOrder(this.world, lineage, {
      confirmDeletes: true,
      ofDaemon: this.#restsByDaemon,
    });
    const run = async (wanted: Order) => {
      let failure: Error | undefined;
      await this.world.scheduler.run([async () => {
        if (wanted.ofDaemon) {
          await this.#agents.daemon(lineage);
          await this.world.scheduler.sleep(RESTING_MS);
        }
        ({ failure } = await this.#agents.run(lineage, wanted));
      }]);
      return failure;
    };
    let failure = await run(order);
    if (lineage.refused) {
      this.#makeWayToAdopt(lineage);
      failure = await run({ ...order, kind: "adopt", ofDaemon: false });
    }
    if (failure) throw new InvariantError(AT_REST, `${lineage.name} fails: ${failure.stack}`);
  }
}

function newLineage(name: string, node: NodeModel): Lineage {
  return {
    name,
    node,
    disk: new KvDisk(),
    lost: [],
    keptTxns: new Set(),
    killedTxns: new Set(),
    apiLists: new Map(),
    live: true,
    refused: false,
    adoptedTick: -1,
    operationStart: Infinity,
  };
}
