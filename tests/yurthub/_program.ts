const ASK_AGAIN_MS = 100;
const SHOWN_BYTES = 4_000;

/** A program that is started, killed and started again, its output in a file. */
export class Program {
  readonly #binary: string;
  readonly #args: readonly string[];
  readonly #log: string;
  #child: Deno.ChildProcess | undefined;
  #written: Promise<void> = Promise.resolve();
  #ended = false;

  /**
   * @param binary its path
   * @param args its command line
   * @param log the file for what it prints
   */
  constructor(binary: string, args: readonly string[], log: string) {
    this.#binary = binary;
    this.#args = args;
    this.#log = log;
  }

  /** Starts it. */
  async start(): Promise<void> {
    const file = await Deno.open(this.#log, { create: true, append: true });
    const child = new Deno.Command(this.#binary, {
      args: [...this.#args],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#ended = false;
    this.#written = child.stderr.pipeTo(file.writable);
    child.status.then(() => this.#ended = true);
  }

  /** Ends it with SIGKILL and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    try {
      child.kill("SIGKILL");
    } catch {
      // It has already gone.
    }
    await child.status;
    await this.#written;
  }

  /**
   * Waits until something holds of it.
   *
   * @param ms how long at most
   * @param holds what it throws counts as no
   * @throws Error with the end of its output if it ends before, or never gets there
   */
  async until(ms: number, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + ms;
    while (!(await holds().catch(() => false))) {
      if (this.#ended || performance.now() > deadline) {
        const said = Deno.readTextFileSync(this.#log).slice(-SHOWN_BYTES);
        throw new Error(`${this.#binary} did not get ready\n${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}
