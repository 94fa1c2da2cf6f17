import type { Surroundings } from "./conditions/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import type {
  ReconcileOptions,
  ReconcileOutcome,
  TakeOver,
  Verification,
} from "../reconcile/mod.ts";
import type { ApplyResult, StoreContext } from "../store/mod.ts";
import type { NodeStatus } from "./status.ts";
import type { AskedWrite } from "./write_log.ts";

/** What somebody wants of a pass that they ask for. */
export interface PassRequest {
  /** Show what would be done; write nothing. */
  readonly dryRun: boolean;
  /** Go on with deletes that are held back. */
  readonly confirmDeletes: boolean;
  /** Refuse a group that needs more than one Txn. */
  readonly requireSingleTxn: boolean;
}

/**
 * A node, as the routes of the API know it: one on which the daemon's loop runs, or one at rest,
 * of which the state directory is held for as long as a request takes. Whoever asks need not know
 * which of the two answers.
 */
export interface Node {
  /** How it reconciles. */
  readonly reconcileOptions: ReconcileOptions;
  /** What its conditions are told with. */
  readonly surroundings: Surroundings;
  /** How it is doing now, etcd included. */
  status(): Promise<NodeStatus>;
  /**
   * Looks at the component-key cache alone.
   *
   * @param view what to make of it; the cache must not be kept
   * @throws {KeyCacheError} if it can't be had
   */
  look<T>(view: (cache: ComponentKeyCache) => T): Promise<T>;
  /**
   * Has something read, from etcd too.
   *
   * @param operation what to do with cache and etcd; it writes nothing
   * @param signal ends the wait for it
   * @throws {NotReadyError} if it was not begun
   * @throws {StillRunningError} if it was begun, but not done when the wait ended
   */
  submit<T>(operation: (context: StoreContext) => Promise<T>, signal: AbortSignal): Promise<T>;
  /**
   * Compares etcd with the component-key cache.
   *
   * @param signal ends the wait for it
   * @throws what {@linkcode submit} throws
   */
  verify(signal: AbortSignal): Promise<Verification>;
  /**
   * Has a write done.
   *
   * @param asked what it is
   * @param operation what to do with cache and etcd, after recovery
   * @param signal ends the wait for it
   * @throws what {@linkcode submit} throws
   * @throws {InterruptedWriteError} if it did not come to its end
   */
  write(
    asked: AskedWrite,
    operation: (context: StoreContext) => Promise<ApplyResult>,
    signal: AbortSignal,
  ): Promise<ApplyResult>;
  /** The same for taking over keys, which writes to the cache alone. */
  takeOver(
    asked: AskedWrite,
    operation: (context: StoreContext) => Promise<TakeOver>,
    signal: AbortSignal,
  ): Promise<TakeOver>;
  /**
   * Makes a full pass, or shows what one would do.
   *
   * @param request how it differs from the node's own
   * @param signal ends the wait for it
   * @throws what {@linkcode submit} throws
   */
  reconcileNow(request: PassRequest, signal: AbortSignal): Promise<ReconcileOutcome>;
  /**
   * Takes the node out of the pool.
   *
   * @param signal ends the wait for it
   * @throws what {@linkcode write} throws
   */
  retire(signal: AbortSignal): Promise<ApplyResult>;
}

/**
 * How a pass is made that somebody asks for.
 *
 * @param own how the node makes its own
 * @param request how this one differs
 */
export function askedOptions(own: ReconcileOptions, request: PassRequest): ReconcileOptions {
  return {
    ...own,
    confirmDeletes: request.confirmDeletes,
    requireSingleTxn: own.requireSingleTxn || request.requireSingleTxn,
  };
}
