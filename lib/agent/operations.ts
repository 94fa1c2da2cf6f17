import { EdgekeydError } from "../errors.ts";
import type { StoreContext } from "../store/mod.ts";

/** The agent can't do an operation now; it was not begun. */
export class NotReadyError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "NotReadyError";

  /**
   * Says why.
   *
   * @param reason why not, and what to do
   */
  constructor(reason: string) {
    super("NotReady", reason);
  }
}

/** An operation was begun and took too long to wait for; it goes on. */
export class StillRunningError extends EdgekeydError {
  override name = "StillRunningError";
  constructor() {
    super(
      "Unknown",
      "it was begun and is not done yet; it goes on, so read back what came of it",
    );
  }
}

/** One operation that somebody asked for, waiting for its turn in the loop. */
interface Waiting {
  /** @returns what it failed with, if it did */
  readonly run: (context: StoreContext) => Promise<unknown>;
  readonly refuse: (error: EdgekeydError) => void;
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
   * @param signal ends the wait for it; one that has not begun never will
   * @returns what it returns
   * @throws {NotReadyError} if too many wait, or it was not begun
   * @throws {StillRunningError} if it was begun, but not done when the wait ended
   */
  submit<T>(operation: (context: StoreContext) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new NotReadyError("too many operations are waiting; try again later"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let begun = false;
    const waiting: Waiting = {
      async run(context) {
        begun = true;
        try {
          resolve(await operation(context));
        } catch (error) {
          reject(error);
          return error;
        }
      },
      refuse: reject,
    };
    this.#waiting.push(waiting);
    signal.addEventListener("abort", () => {
      if (begun) return reject(new StillRunningError());
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
      reject(new NotReadyError("the operation did not get its turn in time; it was not begun"));
    }, { once: true });
    this.#wake();
    return promise;
  }

  /**
   * Does the next operation, if there is one.
   *
   * @returns what it failed with, if it did
   */
  async next(context: StoreContext): Promise<unknown> {
    return await this.#waiting.shift()?.run(context);
  }

  /** Refuses all that wait. */
  refuseAll(error: EdgekeydError): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(error);
  }
}
