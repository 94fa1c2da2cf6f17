/** Why output did not get where it was to go. */
export interface LostOutput {
  /** In a few words. */
  readonly reason: string;
  /** Its reader had gone, which may have had what it wanted (`edgekeyd keys | head -1`). */
  readonly isUnread: boolean;
}

const encoder = new TextEncoder();
/** How long a pipe that is full is left to its reader before it is tried again, in milliseconds. */
const FULL_PIPE_MS = 5;
/** A reader that takes nothing for longer is not waited for, in milliseconds. */
const MAX_WAIT_MS = 60_000;

/** A stream of this process. What can't be printed is no reason to leave work undone. */
export class ProcessStream {
  readonly #stream: { writeSync(bytes: Uint8Array): number };
  readonly #pause: (ms: number) => void;
  /** Its reader took nothing for too long; it is waited for again once it takes something. */
  #isStuck = false;
  /** Why a text was lost. */
  lost: LostOutput | undefined;

  /**
   * @param stream stdout or stderr
   * @param pause lets so many ms pass, in which nothing else is done
   */
  constructor(stream: { writeSync(bytes: Uint8Array): number }, pause = pauseProcess) {
    this.#stream = stream;
    this.#pause = pause;
  }

  /** Writes a text, unless one was lost before: a gap in the middle would be worse than an end. */
  write(text: string): void {
    if (this.lost) return;
    try {
      this.#writeAll(text);
    } catch (error) {
      const isUnread = error instanceof Deno.errors.BrokenPipe;
      const said = error instanceof Error ? error.message : String(error);
      this.lost = { reason: isUnread ? "its reader has gone" : said, isUnread };
    }
  }

  /** Writes a text, whatever became of those before: there may be space again. */
  tryToWrite(text: string): void {
    try {
      this.#writeAll(text);
    } catch {
      // There is nowhere left to say so.
    }
  }

  #writeAll(text: string): void {
    let bytes = encoder.encode(text);
    let waitedMs = 0;
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(this.#stream.writeSync(bytes));
        waitedMs = 0;
        this.#isStuck = false;
      } catch (error) {
        if (!(error instanceof Deno.errors.WouldBlock)) throw error;
        if (this.#isStuck || waitedMs >= MAX_WAIT_MS) {
          this.#isStuck = true;
          throw new Error(`its reader took nothing for ${MAX_WAIT_MS / 1_000} s`);
        }
        // Who started this has a pipe that does not block, and reads more slowly than we write.
        this.#pause(FULL_PIPE_MS);
        waitedMs += FULL_PIPE_MS;
      }
    }
  }
}

function pauseProcess(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
