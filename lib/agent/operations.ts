import { EdgekeydError } from "../errors.ts";
import type { StoreContext } from "../store/mod.ts";

/** The agent can't do an operation now; it was not begun. */
export class NotReadyError extends EdgekeydError {
  override name = "NotReadyError";
  /** @param reason why not, and what to do */
  constructor(reason: string) {
    super("NotReady", reason);
  }
}

/** One operation that somebody asked for, waiting for its turn in the loop. */
interface Waiting {
  readonly run: (context: StoreContext) => Promise<void>;
  readonly refuse: (error: NotReadyError) => void;
}

const MAX_WAITING = 64;

/** Operations that wait for the one writer, in order; bounded, so that nothing piles up. */
export class Operations {
  readonly #waiting: Waiting[] = [];
  readonly #wake: () => void;

  /** @param wake told that something waits */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Has an operation done by the loop, after those that wait already.
   *
   * @param operation what to do with cache and etcd
   * @param signal gives it up, if it has not begun
   * @returns what it returns
   * @throws {NotReadyError} if too many wait, or the agent can't write now
   */
  submit<T>(operation: (context: StoreContext) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new NotReadyError("too many operations are waiting; try again later"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({
      async run(context) {
        if (signal.aborted) return;
        await operation(context).then(resolve, reject);
      },
      refuse: reject,
    });
    this.#wake();
    signal.addEventListener("abort", () => {
      reject(new NotReadyError("the operation did not get its turn in time; it was not begun"));
    }, { once: true });
    return promise;
  }

  /** Does the next operation, if there is one. */
  async next(context: StoreContext): Promise<void> {
    await this.#waiting.shift()?.run(context);
  }

  /** Refuses all that wait. */
  refuseAll(reason: string): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(new NotReadyError(reason));
  }
}
