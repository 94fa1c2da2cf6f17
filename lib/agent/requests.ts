import type { StoreContext } from "../store/mod.ts";
import { reasonsOf } from "./conditions/mod.ts";
import type { Findings } from "./findings.ts";
import { NotReadyError, Operations } from "./operations.ts";

/** Work on cache and etcd. */
export type Work<T> = (context: StoreContext) => Promise<T>;

/** What others ask the loop for, until it has its turn. */
export class Requests {
  readonly #findings: Findings;
  readonly #operations: Operations;
  readonly #passes: Operations;
  #ended = false;

  /**
   * @param findings say whether operations are taken
   * @param wake told that something waits
   */
  constructor(findings: Findings, wake: () => void) {
    this.#findings = findings;
    this.#operations = new Operations(wake);
    this.#passes = new Operations(wake);
  }

  /** Why no operation is taken now; undefined if one is. */
  get refusal(): string | undefined {
    return this.#end ?? this.#findings.health.failure?.message;
  }

  /** A pass waits. */
  get hasPass(): boolean {
    return this.#passes.size > 0;
  }

  /** How many operations wait. */
  get operations(): number {
    return this.#operations.size;
  }

  /**
   * Has an operation done by the loop.
   *
   * @param operation what to do
   * @param signal ends the wait for it
   * @throws {NotReadyError} if it was not begun: etcd is away, or too many wait
   * @throws {StillRunningError} if it was begun, but not done when the wait ended
   */
  submit<T>(operation: Work<T>, signal: AbortSignal): Promise<T> {
    const { refusal } = this;
    if (refusal !== undefined) return Promise.reject(new NotReadyError(refusal));
    return this.#operations.submit(operation, signal);
  }

  /**
   * Has a pass made by the loop, whatever the last one came to.
   *
   * @param pass what makes it
   * @param signal ends the wait for it
   * @throws what {@linkcode submit} throws
   */
  submitPass<T>(pass: Work<T>, signal: AbortSignal): Promise<T> {
    const refusal = this.#end;
    if (refusal !== undefined) return Promise.reject(new NotReadyError(refusal));
    return this.#passes.submit(pass, signal);
  }

  /**
   * Does the operation that has waited longest.
   *
   * @param context both sides
   * @returns what it failed with, if it did
   */
  nextOperation(context: StoreContext): Promise<unknown> {
    return this.#operations.next(context);
  }

  /**
   * Makes the pass that has waited longest, or refuses all.
   *
   * @param context both sides; undefined if they can't be had
   */
  async nextPass(context: StoreContext | undefined): Promise<void> {
    if (context) await this.#passes.next(context);
    else this.#passes.refuseAll(new NotReadyError(this.refusal ?? "etcd can't be reached"));
  }

  /** Refuses the operations that wait. */
  refuseOperations(reason: string): void {
    this.#operations.refuseAll(new NotReadyError(reason));
  }

  /** The agent ends, or has nothing to do any more: nothing is begun from now on. */
  end(): void {
    this.#ended = true;
    const error = new NotReadyError(this.#end ?? "");
    this.#operations.refuseAll(error);
    this.#passes.refuseAll(error);
  }

  /** Why nothing will ever be begun again; undefined if something may. */
  get #end(): string | undefined {
    if (this.#findings.health.retired) return reasonsOf(this.#findings.conditions)[0];
    return this.#ended ? "the agent is stopping" : undefined;
  }
}
