const NOTHING = new Uint8Array();
const READ_BYTES = 64 * 1024;

/**
 * The other end of a connection. It can be seen for how long it has been waited for, and it can be
 * given up in the middle of that.
 */
export class Peer {
  readonly #connection: Deno.Conn;
  readonly #nowMs: () => number;
  readonly #buffer = new Uint8Array(READ_BYTES);
  /** What came and was not asked for yet. */
  #rest: Uint8Array<ArrayBuffer> = NOTHING;
  #waitedForSinceMs: number | undefined;
  #takes = false;
  #ended = false;

  /**
   * @param connection the connection, which is closed with this
   * @param nowMs a clock that runs only forward, in ms
   */
  constructor(connection: Deno.Conn, nowMs: () => number) {
    this.#connection = connection;
    this.#nowMs = nowMs;
    this.#waitedForSinceMs = nowMs();
  }

  /** Since when it has neither sent nor taken anything; undefined while it waits for us. */
  get waitedForSinceMs(): number | undefined {
    return this.#ended ? undefined : this.#waitedForSinceMs;
  }

  /** It is being sent something. */
  get takes(): boolean {
    return this.#takes;
  }

  /**
   * What it sends next, as much as there is.
   *
   * @returns null once it sends no more
   * @throws {Error} if the connection broke or was closed
   */
  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = NOTHING;
      return rest;
    }
    const length = await this.#wait(() => this.#connection.read(this.#buffer));
    return length === null ? null : this.#buffer.slice(0, length);
  }

  /** Gives back what was read and is for another reader. */
  unread(bytes: Uint8Array<ArrayBuffer>): void {
    this.#rest = bytes;
  }

  /**
   * Sends all of it.
   *
   * @param bytes what to send
   * @throws {Error} if the connection broke or was closed
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.#takes = true;
    for (let at = 0; at < bytes.length;) {
      at += await this.#wait(() => this.#connection.write(bytes.subarray(at)));
    }
    this.#takes = false;
  }

  /**
   * Says that no more is sent.
   *
   * @throws {Error} if the connection broke or was closed
   */
  async endWriting(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Ends the connection; whoever reads or writes gets an error. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection.close();
  }

  async #wait<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#waitedForSinceMs = this.#nowMs();
    const result = await work();
    this.#waitedForSinceMs = undefined;
    return result;
  }
}
