/** So long an answer takes at most, on a machine that is very busy. */
const ANSWER_MS = 5_000;

/**
 * Asks a watch whether it still tells anything. Deno opens what an event is about, and waits there
 * for ever if that is a FIFO; who then begins or ends a watch waits with it. So a file of ours is
 * watched as well, and touched before either.
 */
export class WatchProbe {
  /** The file. */
  readonly path: string;
  readonly #identity: string;
  #answered: ((isTold: boolean) => void) | undefined;
  #last: Promise<boolean> = Promise.resolve(true);

  /** @param path a file of ours, on a file system that does not mind being written to */
  constructor(path: string) {
    // Events are told by the real path.
    this.path = realPathOf(path);
    this.#identity = identityAt(this.path);
  }

  /**
   * Takes an event in.
   *
   * @param path what it is about
   * @returns true if it is about the file
   */
  take(path: string): boolean {
    if (path !== this.path) return false;
    this.#answered?.(true);
    return true;
  }

  /**
   * Touches the file, and waits to be told of it.
   *
   * @returns false if nothing is told; true also if that can't be found out
   */
  answers(): Promise<boolean> {
    // One after the other: an answer is to one question.
    return this.#last = this.#last.then(() => this.#ask());
  }

  /** Waits for no answer any more. */
  close(): void {
    this.#answered?.(false);
  }

  async #ask(): Promise<boolean> {
    if (this.#identity === "" || identityAt(this.path) !== this.#identity) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#answered = resolve;
    const timer = setTimeout(() => resolve(false), ANSWER_MS);
    try {
      const now = new Date();
      Deno.utimeSync(this.path, now, now);
      return await promise;
    } catch (error) {
      if (error instanceof Error) return true;
      throw error;
    } finally {
      clearTimeout(timer);
      this.#answered = undefined;
    }
  }
}

/** Tells the file from another at its path; empty if there is none. */
function identityAt(path: string): string {
  try {
    const { dev, ino, birthtime } = Deno.lstatSync(path);
    return `${dev}:${ino}:${birthtime?.getTime()}`;
  } catch (error) {
    if (error instanceof Error) return "";
    throw error;
  }
}

function realPathOf(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Error) return path;
    throw error;
  }
}
