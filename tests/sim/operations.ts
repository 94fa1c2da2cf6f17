import { EdgekeydError } from "../../lib/errors.ts";
import {
  dryRun,
  fileValues,
  reconcile,
  type ReconcileOptions,
  type ReconcileReport,
  retire,
  verify,
} from "../../lib/reconcile/mod.ts";
import { deleteComponentResources, recover } from "../../lib/store/mod.ts";
import { AgentProcess } from "./agent_process.ts";
import { type AgentSetup, connect, contextOf, openCache, reconcileOptions } from "./agent_setup.ts";
import { Daemon } from "./daemon.ts";
import { ROOT } from "./node_model.ts";
import type { Order } from "./orders.ts";
import { Requests } from "./requests.ts";
import { CrashSignal, type Lineage, type World } from "./world.ts";

/** What came of an order. */
export interface Ended {
  /** Undefined if it went well. */
  readonly failure: Error | undefined;
  /** What a command's pass came to; undefined if it was none, or did not return. */
  readonly report?: ReconcileReport;
}

/** The agents of all state directories: on each a daemon, or now and then a command. */
export class Agents {
  readonly #world: World;
  readonly #setup: AgentSetup;
  readonly #requests: Requests;
  readonly #daemons = new Map<Lineage, Daemon>();
  #processes = 0;

  /**
   * @param world where
   * @param setup how they are set up
   */
  constructor(world: World, setup: AgentSetup) {
    this.#world = world;
    this.#setup = setup;
    this.#requests = new Requests(world, setup.mutation);
  }

  /** Kills a state directory's daemon, if one runs. */
  kill(lineage: Lineage): void {
    this.#daemons.get(lineage)?.kill();
    this.#daemons.delete(lineage);
  }

  /**
   * Does what somebody wants, by whoever is to do it.
   *
   * @param lineage on which state directory
   * @param order what
   * @throws whatever an agent throws that is not one of its own errors
   */
  async run(lineage: Lineage, order: Order): Promise<Ended> {
    if (!order.ofDaemon) {
      await this.#daemons.get(lineage)?.stop();
      this.kill(lineage);
      return await this.#command(lineage, order);
    }
    const daemon = await this.daemon(lineage);
    if (!daemon) return { failure: new CrashSignal("no daemon") };
    if (order.kind === "reconcile") return { failure: await daemon.askPass() };
    return { failure: await this.#requests.ask(daemon, lineage, order) };
  }

  /**
   * A state directory's daemon; it is started if none runs.
   *
   * @param lineage which state directory
   * @returns undefined if it did not start
   */
  async daemon(lineage: Lineage): Promise<Daemon | undefined> {
    const running = this.#daemons.get(lineage);
    if (running?.runs) return running;
    const process = this.#process(lineage);
    try {
      const daemon = await Daemon.start(this.#world, this.#setup, process);
      this.#daemons.set(lineage, daemon);
      return daemon;
    } catch (error) {
      if (!(error instanceof CrashSignal) && !(error instanceof EdgekeydError)) throw error;
      process.alive = false;
      return undefined;
    }
  }

  #process(lineage: Lineage): AgentProcess {
    return new AgentProcess(this.#world, lineage, ++this.#processes);
  }

  /** A process of its own, to its end or its crash. */
  async #command(lineage: Lineage, order: Order): Promise<Ended> {
    const process = this.#process(lineage);
    process.begin({ ...order, recoversFirst: true });
    let ended: Ended;
    try {
      ended = await this.#attempt(process, order);
    } catch (error) {
      if (!(error instanceof CrashSignal) && !(error instanceof EdgekeydError)) throw error;
      ended = { failure: error };
    }
    process.end(ended.failure);
    process.alive = false;
    return ended;
  }

  async #attempt(process: AgentProcess, order: Order): Promise<Ended> {
    const { lineage, clock } = process;
    const { mutation } = this.#setup;
    const own = reconcileOptions(this.#world, this.#setup, process);
    const { requireSingleTxn, confirmDeletes, kind } = order;
    const adopt = kind === "adopt";
    const options: ReconcileOptions = { ...own, clock, requireSingleTxn, confirmDeletes, adopt };
    const cache = await openCache(this.#world, this.#setup, process);
    const etcd = connect(this.#world, this.#setup, process);
    const context = contextOf(this.#world, this.#setup, process, cache, etcd);
    switch (kind) {
      case "adopt":
      case "reconcile": {
        const { report, failure, busy } = await reconcile(context, options);
        this.#world.trace(() =>
          `${lineage.name}: ${report.status} busy ${JSON.stringify(busy)} invalid ${
            JSON.stringify(report.invalid)
          } conflicts ${JSON.stringify(report.conflicts)}`
        );
        if (!failure && adopt) await mutation?.adopted?.(context, report);
        return { failure, report };
      }
      case "dry-run":
        return { failure: (await dryRun(context, options)).failure };
      case "verify":
        await verify(context);
        return { failure: undefined };
      case "retire":
        return { failure: (await retire(context)).failure };
      case "delete-component": {
        await recover(context);
        return await deleteComponentResources(context, order.component ?? "", {
          rules: { policy: options.policy, adopting: false },
          requireSingleTxn,
          bytesOf: fileValues(ROOT, options.source.fs, cache, undefined),
        });
      }
      default:
        throw new Error(`no command does ${kind}`);
    }
  }
}
