import { connect, txnBudget } from "../etcd/mod.ts";
import { ComponentClashError, namesInRoot } from "../fscache/mod.ts";
import { holdStateDirectory, makeLife, type Owner, type StateDirectory } from "../keycache/mod.ts";
import { randomId } from "../random_id.ts";
import { realClock } from "../real_clock.ts";
import {
  dryRun,
  reconcile,
  type ReconcileOptions,
  type ReconcileOutcome,
  RetiredError,
  type Verification,
  verify,
} from "../reconcile/mod.ts";
import {
  type ApplyResult,
  type ComponentList,
  createObject,
  deleteComponentResources,
  deleteObject,
  expectDone,
  getObject,
  listComponentKeys,
  listObjects,
  type ListPlace,
  type ObjectList,
  type ObjectOptions,
  type ObjectPlace,
  recover,
  replaceComponentList,
  type StoreContext,
  updateObject,
  USUAL_TXN,
} from "../store/mod.ts";
import { checkNames, checkSettings, type Named } from "./names.ts";
import { NoCacheError } from "./no_cache_error.ts";
import { objectOptionsOf } from "./object_options.ts";
import { reconcileOptionsOf, type RunOptions } from "./reconcile_options.ts";
import { ETCD_PREFIX, MAX_REQUEST_BYTES, type StoreSettings } from "./settings.ts";
import { Turns } from "./turns.ts";

/**
 * A node's objects in the pool's etcd, by component, and the component-key cache that tells which
 * component holds which key. Each writing operation finishes in one etcd Txn. Operations run one
 * after the other. One that fails with an unknown outcome is cleared up before the next. After a
 * KeyCacheError nothing more is written: close the store then, and open it anew.
 */
export class EdgeStore implements AsyncDisposable {
  readonly #directory: StateDirectory;
  readonly #context: StoreContext;
  readonly #options: ReconcileOptions | undefined;
  readonly #policy: ReconcileOptions["policy"];
  readonly #turns = new Turns();
  #isRecovered = false;
  #closing: Promise<void> | undefined;

  private constructor(
    directory: StateDirectory,
    context: StoreContext,
    settings: StoreSettings,
  ) {
    this.#directory = directory;
    this.#context = context;
    this.#policy = settings.conflictPolicy ?? "fresher";
    this.#options = reconcileOptionsOf(settings);
  }

  /**
   * Opens a store. etcd is asked at the first operation, so that one that is away is no error here.
   *
   * @param settings where, which etcd, whose node
   * @returns the store; whoever opened it closes it
   * @throws {InvalidNameError} if node or prefix can't be called so
   * @throws {KeyCacheError} if the state directory can't be held or opened
   * @throws {RetiredError} if its node has left the pool
   * @throws {EtcdConfigError} if a file or a combination of etcd's options can't work
   */
  static async open(settings: StoreSettings): Promise<EdgeStore> {
    checkSettings(settings);
    const { stateDir, nodeName, etcdPrefix: prefix = ETCD_PREFIX, lockTimeoutMs = 0 } = settings;
    const { maxTxnOps = USUAL_TXN.maxTxnOps, maxRequestBytes = MAX_REQUEST_BYTES } = settings;
    const etcd = await connect(settings.etcd);
    let directory: StateDirectory | undefined;
    try {
      directory = await holdStateDirectory(stateDir, lockTimeoutMs);
      const { cache } = await directory.openCache({
        nodeName,
        prefix,
        newLife: () =>
          makeLife({ nowMs: realClock.nowMs(), hostname: Deno.hostname(), random: randomId() }),
        nowMs: realClock.steadyMs,
      });
      if (cache.memory.past?.retired) {
        cache.close();
        throw new RetiredError();
      }
      const requestBytes = txnBudget(maxRequestBytes, settings.etcd.username);
      const limits = { ...USUAL_TXN, maxTxnOps, requestBytes };
      const context = { etcd, cache, ...limits, random: randomId, clock: realClock };
      return new EdgeStore(directory, context, settings);
    } catch (error) {
      directory?.release();
      etcd.close();
      throw error;
    }
  }

  /**
   * The object keys that a component holds, from the component-key cache alone.
   *
   * @param component its name; undefined for all
   * @param gvr one resource of it, as in `pods.v1.core`; undefined for all
   * @returns the keys, each once, in order
   */
  keys(component?: string, gvr?: string): string[] {
    return listComponentKeys(this.#context.cache, component, gvr);
  }

  /**
   * Who holds an object key, from the component-key cache alone.
   *
   * @param key an object key, with its prefix
   * @returns its owners; none if nobody here holds it
   */
  owners(key: string): readonly Owner[] {
    return this.#context.cache.rows.get(key)?.owners ?? [];
  }

  /**
   * Reads an object that a component holds, from etcd.
   *
   * @param place which
   * @returns the value as it is; JSON, unless an apiserver wrote it
   * @throws {NotFoundError} if the component does not hold it, or etcd has lost it
   * @throws {EtcdError} if etcd fails
   */
  async get(place: ObjectPlace): Promise<Uint8Array> {
    return await this.#turns.take(() => getObject(this.#context, place));
  }

  /**
   * Reads all objects of a component's resource from etcd, at one revision.
   *
   * @param place which list
   * @throws {ListTooLargeError} if they are too many for one answer
   * @throws {EtcdError} if etcd fails
   */
  async list(place: ListPlace): Promise<ObjectList> {
    return await this.#turns.take(() => listObjects(this.#context, place));
  }

  /**
   * Puts an object of a component's where there is none yet.
   *
   * @param place where
   * @param bytes the object as JSON
   * @returns what was done
   * @throws {InvalidNameError} if nothing can be called as its place says
   * @throws {InvalidObjectError} if it is not the object that its place names
   * @throws {KeyExistsError} if the component holds it already, or etcd has the key
   * @throws {UnknownOutcomeError} if nobody knows whether etcd took it
   */
  async create(place: ObjectPlace, bytes: Uint8Array): Promise<ApplyResult> {
    return await this.#write(
      { ...place, namespace: place.namespace || undefined },
      (context, options) => createObject(context, place, bytes, options),
    );
  }

  /**
   * Puts a fresher version of an object that a component holds.
   *
   * @param place which
   * @param bytes the object as JSON
   * @returns what was done
   * @throws {InvalidNameError} if nothing can be called as its place says
   * @throws {InvalidObjectError} if it is not the object that its place names
   * @throws {NotFoundError} if the component does not hold it
   * @throws {UpdateConflictError} if its version is not fresher
   * @throws {UnknownOutcomeError} if nobody knows whether etcd took it
   */
  async update(place: ObjectPlace, bytes: Uint8Array): Promise<ApplyResult> {
    return await this.#write(
      { ...place, namespace: place.namespace || undefined },
      (context, options) => updateObject(context, place, bytes, options),
    );
  }

  /**
   * Lets an object go. It is deleted unless somebody else holds it.
   *
   * @param place which
   * @returns what was done
   * @throws {NotFoundError} if the component does not hold it
   * @throws {UnknownOutcomeError} if nobody knows whether etcd took it
   */
  async delete(place: ObjectPlace): Promise<ApplyResult> {
    return await this.#write(
      { ...place, namespace: place.namespace || undefined },
      (context, options) => deleteObject(context, place, options),
    );
  }

  /**
   * Replaces a component's list: keys that it no longer names are let go, the others put as far as
   * they changed, all in one Txn.
   *
   * @param list the new list
   * @returns what was done
   * @throws {InvalidNameError} if nothing can be called as the list's place says
   * @throws {InvalidObjectError} if an object is not one of this gvr
   * @throws {InvalidListError} if two are the same, or one is of another namespace
   * @throws {SingleTxnListError} if it fits no single Txn; nothing was written
   * @throws {UnknownOutcomeError} if nobody knows whether etcd took it
   */
  async replaceList(list: ComponentList): Promise<ApplyResult> {
    return await this.#write(
      list,
      (context, options) =>
        replaceComponentList(context, list, { ...options, requireSingleTxn: true }),
    );
  }

  /**
   * Lets a component go: keys that nobody else holds are deleted, in one Txn if they fit one, else
   * in several (`staged`).
   *
   * @param component whose keys; one that holds none is no error
   * @returns what was done
   * @throws {UnknownOutcomeError} if nobody knows whether etcd took it
   */
  async deleteComponent(component: string): Promise<ApplyResult> {
    return await this.#write(
      { component },
      (context, options) =>
        deleteComponentResources(context, component, { ...options, requireSingleTxn: false }),
    );
  }

  /**
   * Brings etcd in step with the fs cache, once.
   *
   * @param run how to go about it
   * @returns what was done, or would be; also what failed
   * @throws {NoCacheError} if the store was opened without an fs cache
   */
  async reconcile(run: RunOptions = {}): Promise<ReconcileOutcome> {
    const options = this.#options;
    if (options === undefined) throw new NoCacheError();
    const { dryRun: isDry = false, confirmDeletes = false, adopt = false } = run;
    const work = isDry ? dryRun : reconcile;
    return await this.#turns.take(() => work(this.#context, { ...options, confirmDeletes, adopt }));
  }

  /**
   * Compares etcd with the component-key cache. Nothing is written.
   *
   * @throws {EtcdError} if etcd fails
   */
  async verify(): Promise<Verification> {
    return await this.#turns.take(() => verify(this.#context));
  }

  /** Closes it, once the operations that have begun are done; a second time does nothing. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await this.#turns.close();
    this.#context.cache.close();
    this.#directory.release();
    this.#context.etcd.close();
  }

  /** Has a write done to its end, after what an earlier run left open. */
  async #write(
    place: Named,
    operation: (context: StoreContext, options: ObjectOptions) => Promise<ApplyResult>,
  ): Promise<ApplyResult> {
    checkNames(place);
    const context = this.#context;
    const { component } = place;
    return await this.#turns.take(async () => {
      const source = this.#options?.source;
      if (source && namesInRoot(source.fs, source.root).has(component)) {
        throw new ComponentClashError(source.root, component);
      }
      if (!this.#isRecovered || context.cache.intent) await recover(context);
      this.#isRecovered = true;
      const applied = await operation(
        context,
        objectOptionsOf(context.cache, source, this.#policy),
      );
      expectDone(context, applied);
      return applied;
    });
  }
}
