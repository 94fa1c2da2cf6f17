import type { Etcd, Exposure } from "../etcd/mod.ts";
import type { ComponentKeyCache, DaemonMark } from "../keycache/mod.ts";
import {
  dryRun,
  reconcile,
  type ReconcileOptions,
  type ReconcileOutcome,
  retire,
  RetiredError,
  type TakeOver,
  type Verification,
  verify,
} from "../reconcile/mod.ts";
import { type ApplyResult, recover, type StoreContext } from "../store/mod.ts";
import { dropAliveKey } from "./alive_key.ts";
import type { Surroundings } from "./conditions/mod.ts";
import { writeToItsEnd } from "./interrupted_write.ts";
import { askedOptions, type Node, type PassRequest } from "./node.ts";
import {
  isRetired,
  rememberFailure,
  rememberPass,
  rememberRejoining,
  rememberRetiring,
} from "./remembered.ts";
import { restingStatus } from "./resting_status.ts";
import type { NodeStatus, Setup } from "./status.ts";
import type { AskedWrite } from "./write_log.ts";

/**
 * What a component-key cache is opened for. `read`: to look only; it must be there. `dry`: to look
 * only; an empty one does if there is none. `change`: to write; it must be there, for a mistyped
 * state directory must not look like an empty one. `fill`: to write; it is made if need be.
 */
export type CacheUse = "read" | "dry" | "change" | "fill";

/** What a node at rest is given to work with. */
export interface RestingParts {
  /** How it reconciles. */
  readonly reconcile: ReconcileOptions;
  /** A node that was retired takes part again; else it stays out. */
  readonly rejoin: boolean;
  /** What conditions are told with. */
  readonly surroundings: Surroundings;
  /** Asked for when the state directory is held. */
  readonly setup: () => Setup;
  /** The installed service that should hold the state directory, if there is one. */
  readonly idleService: () => string | undefined;
  /** What a daemon left behind there that nobody stopped, if one did. */
  readonly lostDaemon: () => DaemonMark | undefined;
  /** Why the state directory can't be written to; undefined if it can. */
  readonly stateFailure: () => string | undefined;
  /** Who else could have what etcd knows us by. */
  readonly exposures: () => readonly Exposure[];
  /** Told of each by a request whose answer does not say it. */
  exposed(exposure: Exposure): void;
  /** Holds the state directory and opens the cache for as long as the work takes. */
  withCache<T>(use: CacheUse, work: (cache: ComponentKeyCache) => Promise<T>): Promise<T>;
  /** Makes an etcd client. */
  connect(): Promise<Etcd>;
  /** What store operations work with. */
  store(cache: ComponentKeyCache, etcd: Etcd): StoreContext;
}

/** A node on which no daemon runs; each request holds its state directory, and lets it go again. */
export class RestingNode implements Node {
  readonly #parts: RestingParts;

  /**
   * Makes it; nothing is held or opened yet.
   *
   * @param parts what it works with
   */
  constructor(parts: RestingParts) {
    this.#parts = parts;
  }

  get reconcileOptions(): ReconcileOptions {
    return this.#parts.reconcile;
  }

  get surroundings(): Surroundings {
    return this.#parts.surroundings;
  }

  status(): Promise<NodeStatus> {
    const {
      reconcile: { clock, policy, source },
      setup,
      idleService,
      lostDaemon,
      stateFailure,
      exposures,
    } = this.#parts;
    return this.#withEtcd("read", (context) => {
      return restingStatus(context, {
        clock,
        policy,
        setup: setup(),
        idleService: idleService(),
        lostDaemon: lostDaemon(),
        stateFailure: stateFailure(),
        source,
        exposures: exposures(),
      });
    });
  }

  look<T>(view: (cache: ComponentKeyCache) => T): Promise<T> {
    return this.#parts.withCache("read", (cache) => Promise.resolve(view(cache)));
  }

  submit<T>(operation: (context: StoreContext) => Promise<T>): Promise<T> {
    return this.#withStore("read", operation);
  }

  verify(): Promise<Verification> {
    return this.submit(verify);
  }

  write(
    _asked: AskedWrite,
    operation: (context: StoreContext) => Promise<ApplyResult>,
  ): Promise<ApplyResult> {
    return writeToItsEnd((work) => this.#withStore("change", work), async (context) => {
      checkTakesPart(context);
      await recover(context);
      return await operation(context);
    });
  }

  takeOver(
    _asked: AskedWrite,
    operation: (context: StoreContext) => Promise<TakeOver>,
  ): Promise<TakeOver> {
    return this.#withStore("fill", async (context) => {
      checkTakesPart(context);
      return await operation(context);
    });
  }

  reconcileNow(request: PassRequest): Promise<ReconcileOutcome> {
    const options = askedOptions(this.#parts.reconcile, request);
    const { rejoin } = this.#parts;
    if (request.dryRun) {
      return this.#withStore("dry", async (context) => {
        if (!rejoin) checkTakesPart(context);
        return await dryRun(context, options);
      });
    }
    return this.#withStore("fill", async (context) => {
      if (rejoin) await rememberRejoining(context.cache);
      else checkTakesPart(context);
      const outcome = await reconcile(context, options);
      const { failure, busy: waiting, report } = outcome;
      const { heldBack, invalid, notPut = [], secretsLeftOut = 0 } = report;
      const nowMs = options.clock.nowMs();
      if (failure) await rememberFailure(context.cache, failure, nowMs);
      else {
        await rememberPass(context.cache, {
          heldBack,
          invalid,
          notPut,
          secretsLeftOut,
          waiting,
          lastSuccessMs: nowMs,
        });
      }
      return outcome;
    });
  }

  retire(): Promise<ApplyResult> {
    return writeToItsEnd(
      (work) => this.#withStore("change", work),
      async (context) => {
        const applied = await retire(context);
        if (applied.failure) return applied;
        await rememberRetiring(context.cache);
        await dropAliveKey(context);
        return applied;
      },
    );
  }

  #withStore<T>(use: CacheUse, work: (context: StoreContext) => Promise<T>): Promise<T> {
    const { exposures, exposed } = this.#parts;
    return this.#withEtcd(use, (context) => {
      for (const exposure of exposures()) exposed(exposure);
      return work(context);
    });
  }

  #withEtcd<T>(use: CacheUse, work: (context: StoreContext) => Promise<T>): Promise<T> {
    const { connect, store } = this.#parts;
    return this.#parts.withCache(use, async (cache) => {
      const etcd = await connect();
      try {
        return await work(store(cache, etcd));
      } finally {
        etcd.close();
      }
    });
  }
}

/** @throws {RetiredError} if the node has left the pool */
function checkTakesPart({ cache }: StoreContext): void {
  if (isRetired(cache)) throw new RetiredError();
}
