import { EdgekeydError } from "../errors.ts";

/** So many may wait; more are refused, so that nothing piles up. */
const MAX_WAITING = 1_024;

/** The store was closed, or too much waits for it already. */
export class StoreBusyError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "StoreBusyError";

  /**
   * Makes it; its code is `NotReady`. Nothing was begun.
   *
   * @param reason why not
   */
  constructor(reason: string) {
    super("NotReady", reason);
  }
}

/** Lets one operation after the other have the store. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  /**
   * Runs work once all that came before it has ended.
   *
   * @param work what to do
   * @returns what it returns
   * @throws {StoreBusyError} if too many wait, or the turns are over
   * @throws what the work throws
   */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StoreBusyError("the store is closed");
    if (this.#waiting >= MAX_WAITING) {
      throw new StoreBusyError(`${MAX_WAITING} operations wait already; try again later`);
    }
    this.#waiting++;
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  /** Lets nobody else begin, and waits for those that have. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }
}
