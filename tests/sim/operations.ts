import { EdgekeydError } from "../../lib/errors.ts";
import { AbsenceHistory } from "../../lib/fscache/mod.ts";
import { formatGvr, parseGvr } from "../../lib/k8s/mod.ts";
import { ComponentKeyCache, KeyCacheError, type KvLimits } from "../../lib/keycache/mod.ts";
import {
  dryRun,
  fileValues,
  type PassScope,
  reconcile,
  type ReconcileOptions,
  type ReconcileOutcome,
  retire,
  verify,
} from "../../lib/reconcile/mod.ts";
import {
  deleteComponentResources,
  FenceError,
  recover,
  replaceComponentList,
  type StoreContext,
} from "../../lib/store/mod.ts";
import { AgentProcess } from "./agent_process.ts";
import { DaemonLoop } from "./daemon_loop.ts";
import { keyOfPlace, objectBytes, type Resource } from "./cloud.ts";
import { FaultyEtcd, type Network } from "./faulty_etcd.ts";
import type { Mutation } from "./mutation.ts";
import { ROOT } from "./node_model.ts";
import { TornKv } from "./torn_kv.ts";
import { CrashSignal, type Lineage, type Operation, tell, type World } from "./world.ts";

/** How every agent of a run is set up. */
export interface AgentSetup {
  readonly network: Network;
  readonly kvLimits: KvLimits | undefined;
  readonly maxTxnOps: number;
  readonly requestBytes: number;
  readonly maxDeletePercent: number;
  readonly settleMs: number;
  /** Breaks a rule on purpose. */
  readonly mutation: Mutation | undefined;
}

/** What an operation is to do. */
export type Order = Omit<Operation, "startTick" | "lineage" | "groups" | "recoversFirst"> & {
  /** A pass waits for directories to settle, and remembers nothing of them. */
  readonly patient: boolean;
  /** For a replace: what the list holds then. */
  readonly list?: ListOrder;
  readonly requireSingleTxn: boolean;
};

/** A list that a tool puts through the API. */
export interface ListOrder {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly names: readonly string[];
}

interface Running {
  readonly process: AgentProcess;
  readonly context: StoreContext;
  readonly loop: DaemonLoop;
}

const PASSES: ReadonlySet<Operation["kind"]> = new Set(["reconcile", "group-pass", "adopt"]);
/** What only a daemon does, that is after a full pass. */
const DAEMONS_OWN: ReadonlySet<Operation["kind"]> = new Set(["group-pass", "replace-list"]);

/** What came of an operation. */
export interface Ended {
  /** Undefined if it went well. */
  readonly failure: Error | undefined;
  /** What a pass came to; undefined if it was none, or did not return. */
  readonly outcome: ReconcileOutcome | undefined;
}

/** Runs the agent's operations, each in the process of its state directory. */
export class Agents {
  readonly #world: World;
  readonly #setup: AgentSetup;
  readonly #running = new Map<Lineage, Running>();
  #processes = 0;

  constructor(world: World, setup: AgentSetup) {
    this.#world = world;
    this.#setup = setup;
  }

  /** Stops a state directory's process, if one runs. */
  stop(lineage: Lineage): void {
    const running = this.#running.get(lineage);
    if (running) running.process.alive = false;
    this.#running.delete(lineage);
  }

  /**
   * Runs one operation to its end, or to the crash of its process. As in the daemon's loop, a full
   * pass comes first after a start, after a failure, and in another epoch of the cache than the
   * last one left behind; if that fails, the operation is not begun.
   *
   * @throws whatever the agent throws that is not one of its own errors
   */
  async run(lineage: Lineage, order: Order): Promise<Ended> {
    if (DAEMONS_OWN.has(order.kind) && this.#isBehind(lineage)) {
      const passed = await this.#run(lineage, {
        ...order,
        kind: "reconcile",
        within: undefined,
        component: undefined,
        patient: false,
      });
      if (passed.failure || this.#isBehind(lineage)) return passed;
    }
    return await this.#run(lineage, order);
  }

  async #run(lineage: Lineage, order: Order): Promise<Ended> {
    const world = this.#world;
    const isDaemons = DAEMONS_OWN.has(order.kind) ||
      (order.kind === "delete-component" && !this.#isBehind(lineage));
    const operation: Operation = {
      ...order,
      lineage,
      startTick: ++world.tick,
      groups: order.kind === "group-pass" ? this.#drawGroups(lineage) : undefined,
      recoversFirst: !isDaemons,
    };
    lineage.operationStart = operation.startTick;
    lineage.live = true;
    world.trace(() => `${lineage.name}: ${order.kind} begins`);
    tell(world, (checker) => checker.operationBegins?.(operation));
    let ended: Ended;
    try {
      ended = await this.#attempt(lineage, operation, order);
    } catch (error) {
      if (!(error instanceof CrashSignal) && !(error instanceof EdgekeydError)) throw error;
      ended = { failure: error, outcome: undefined };
    }
    lineage.operationStart = Infinity;
    const { failure } = ended;
    this.#take(lineage, operation, ended);
    if (failure instanceof CrashSignal || failure instanceof KeyCacheError) this.stop(lineage);
    if (failure instanceof FenceError) {
      lineage.refused = true;
      const other = failure.verdict === "other-life";
      world.marks.hit(other ? "refused: other life" : "refused: rolled back");
    }
    if (failure === undefined && order.kind === "adopt") lineage.refused = false;
    world.trace(() => `${lineage.name}: ${order.kind} ${failure ? `fails: ${failure}` : "done"}`);
    tell(world, (checker) => checker.operationEnded?.(operation, failure));
    return ended;
  }

  #take(lineage: Lineage, operation: Operation, { failure, outcome }: Ended): void {
    const running = this.#running.get(lineage);
    const { kind } = operation;
    if (!running || kind === "verify" || kind === "dry-run") return;
    const { loop, context: { cache } } = running;
    if (PASSES.has(kind)) loop.passed(operation, outcome, cache, this.#world.clock.nowMs);
    else loop.operated(kind, failure, cache);
  }

  #isBehind(lineage: Lineage): boolean {
    const running = this.#running.get(lineage);
    return running?.loop.isBehind(running.context.cache) ?? true;
  }

  #drawGroups(lineage: Lineage): ReadonlySet<string> | undefined {
    return this.#running.get(lineage)?.loop.drawGroups(lineage.node, this.#world.prng);
  }

  async #attempt(lineage: Lineage, operation: Operation, order: Order): Promise<Ended> {
    const { process, context, loop } = await this.#start(lineage, operation);
    process.operation = operation;
    const { policy } = order;
    const rules = { policy, adopting: false };
    const timed = <T>(_: unknown, work: Promise<T>) => work;
    const { requireSingleTxn } = order;
    const fs = this.#setup.mutation?.fs?.(lineage.node.fs, this.#world) ?? lineage.node.fs;
    const options: ReconcileOptions = {
      source: {
        root: ROOT,
        fs,
        coverage: {},
        settleMs: this.#setup.settleMs,
        maxObjectBytes: 1_000_000,
      },
      clock: process.clock,
      policy,
      maxDeletePercent: this.#setup.maxDeletePercent,
      confirmDeletes: order.confirmDeletes,
      requireSingleTxn,
      adopt: order.kind === "adopt",
    };
    switch (order.kind) {
      case "adopt":
      case "reconcile":
      case "group-pass": {
        const { groups, kind } = operation;
        const scope: PassScope = {
          groups,
          full: kind !== "group-pass",
          patient: order.patient && kind !== "group-pass",
          absences: order.patient ? new AbsenceHistory() : loop.absences,
        };
        const outcome = await reconcile(context, options, scope);
        const { report, failure, busy } = outcome;
        this.#world.trace(() =>
          `${lineage.name}: ${report.status} busy ${JSON.stringify(busy)} invalid ${
            JSON.stringify(report.invalid)
          } conflicts ${JSON.stringify(report.conflicts)}`
        );
        if (!failure && options.adopt) await this.#setup.mutation?.adopted?.(context, report);
        return { failure, outcome };
      }
      case "dry-run": {
        const outcome = await dryRun(context, options);
        return { failure: outcome.failure, outcome };
      }
      case "verify":
        await verify(context);
        return { failure: undefined, outcome: undefined };
      case "retire": {
        const { failure } = await retire(context, { timed });
        return { failure, outcome: undefined };
      }
      case "delete-component": {
        const component = order.component ?? "";
        if (operation.recoversFirst) await recover(context);
        const bytesOf = fileValues(ROOT, fs, context.cache, undefined);
        const { failure } = await deleteComponentResources(context, component, {
          rules,
          requireSingleTxn,
          bytesOf,
          timed,
        });
        return { failure, outcome: undefined };
      }
      case "replace-list":
        return await this.#replace(context, lineage, order, rules);
    }
  }

  async #replace(
    context: StoreContext,
    lineage: Lineage,
    order: Order,
    rules: { policy: Order["policy"]; adopting: boolean },
  ): Promise<Ended> {
    const { list, component = "" } = order;
    if (!list) throw new Error("a replace needs a list");
    const { resource, namespace } = list;
    const gvr = parseGvr(resource.gvr);
    if (!gvr || formatGvr(gvr) !== resource.gvr) throw new Error(`no gvr: ${resource.gvr}`);
    const places = list.names.flatMap((name) =>
      (resource.namespaced ? [namespace ?? "default"] : [""])
        .map((where) => ({ resource, namespace: where, name }))
    );
    const objects = places.map((place) => {
      const key = keyOfPlace(place);
      const bytes = objectBytes(place, this.#world.cloud.latest(key), 10);
      lineage.node.noteHeld(key, bytes);
      return bytes;
    });
    const keys = new Set(places.map(keyOfPlace));
    const scope = `${component} ${resource.gvr} ${namespace ?? "*"}`;
    const overlapping = [...lineage.apiLists.keys()].filter((other) =>
      other.startsWith(`${component} ${resource.gvr} `)
    );
    const unsure = () => {
      for (const other of overlapping) {
        lineage.apiLists.set(other, { keys: new Set(), sure: false });
      }
      lineage.apiLists.set(scope, { keys, sure: false });
    };
    unsure();
    const options = {
      rules,
      requireSingleTxn: order.requireSingleTxn,
      timed: <T>(_: unknown, work: Promise<T>) => work,
      bytesOf: fileValues(ROOT, lineage.node.fs, context.cache, undefined),
    };
    const content = { component, gvr, namespace, objects };
    const { failure } = await replaceComponentList(
      context,
      this.#setup.mutation?.list?.(content) ?? content,
      options,
    );
    if (!failure) {
      if (namespace === undefined) {
        for (const other of overlapping) lineage.apiLists.delete(other);
      }
      lineage.apiLists.set(scope, { keys, sure: true });
    }
    return { failure, outcome: undefined };
  }

  async #start(lineage: Lineage, operation: Operation): Promise<Running> {
    const running = this.#running.get(lineage);
    if (running) return running;
    const world = this.#world;
    const { mutation } = this.#setup;
    const process = new AgentProcess(world, lineage, ++this.#processes, operation);
    const torn = new TornKv(world, process, this.#setup.kvLimits);
    const faulty = new FaultyEtcd(world, this.#setup.network, process);
    const cache = await ComponentKeyCache.load(mutation?.kv?.(torn, lineage, world) ?? torn, {
      nodeName: lineage.node.name,
      prefix: "/registry",
      newLife: () => world.prng.hex(),
      nowMs: () => process.clock.steadyMs(),
    });
    const context: StoreContext = {
      etcd: mutation?.etcd?.(faulty, lineage, world) ?? faulty,
      cache: mutation?.cache?.(cache) ?? cache,
      maxTxnOps: this.#setup.maxTxnOps,
      requestBytes: this.#setup.requestBytes,
      random: () => world.prng.hex(),
      clock: process.clock,
    };
    const started: Running = {
      process,
      context,
      loop: new DaemonLoop(),
    };
    this.#running.set(lineage, started);
    return started;
  }
}
