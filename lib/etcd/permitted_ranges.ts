import { Buffer } from "node:buffer";
import type { KeyRange } from "./written_keys.ts";

/** So long an answer counts; roles may be changed at any time. */
const COUNTS_MS = 60_000;
/** No more than this are remembered: the oldest goes. */
const MAX_RANGES = 64;

interface Permitted {
  readonly first: Buffer;
  readonly last: Buffer;
  readonly untilMs: number;
}

/** Ranges of keys of which etcd has said, not long ago, that they may be written. */
export class PermittedRanges {
  readonly #nowMs: () => number;
  #ranges: readonly Permitted[] = [];

  /** @param nowMs a clock that only runs forward */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /**
   * Those of the keys that etcd has to be asked about.
   *
   * @param keys what is to be written
   */
  unknown(keys: readonly string[]): string[] {
    const nowMs = this.#nowMs();
    const ranges = this.#ranges.filter(({ untilMs }) => untilMs > nowMs);
    return keys.filter((key) => {
      const bytes = Buffer.from(key);
      return !ranges.some(({ first, last }) =>
        Buffer.compare(first, bytes) <= 0 && Buffer.compare(bytes, last) <= 0
      );
    });
  }

  /**
   * Takes in that etcd permits writing.
   *
   * @param ranges where, both ends included
   */
  add(ranges: readonly KeyRange[]): void {
    const untilMs = this.#nowMs() + COUNTS_MS;
    const added = ranges.map(({ first, last }) => ({
      first: Buffer.from(first),
      last: Buffer.from(last),
      untilMs,
    }));
    this.#ranges = [...this.#ranges, ...added].slice(-MAX_RANGES);
  }

  /** Something was denied: nothing of before counts. */
  clear(): void {
    this.#ranges = [];
  }
}
