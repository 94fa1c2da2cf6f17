import type { KvWriter } from "./kv_writer.ts";
import { encodePast, type Past } from "./past.ts";
import { PAST } from "./records.ts";
import { seal } from "./sealed.ts";

/** What the last pass came to, for who asks when no daemon runs. */
export class Memory {
  readonly #writer: KvWriter;
  #past: Past | undefined;

  /**
   * Begins with what is remembered.
   *
   * @param writer writes to the cache's database
   * @param past what is remembered there
   */
  constructor(writer: KvWriter, past: Past | undefined) {
    this.#writer = writer;
    this.#past = past;
  }

  /** What is remembered; undefined if no pass is. */
  get past(): Past | undefined {
    return this.#past;
  }

  /**
   * Remembers what a pass came to, in place of what was.
   *
   * @param past what to remember
   * @throws {KeyCacheError} what the database throws
   */
  async remember(past: Past): Promise<void> {
    await this.#writer.write([], [{ set: PAST, value: seal(PAST, encodePast(past)) }]);
    this.#past = past;
  }
}
