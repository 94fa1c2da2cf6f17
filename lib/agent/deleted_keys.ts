/** More keys than this are one: everything. */
const MAX_KEYS = 1_000;
/**
 * What somebody did in etcd is looked at after this long, in ms, at random between the two: all
 * nodes of a pool see it in the same moment, and who deleted a key may be about to put another.
 */
const [MIN_MS, MAX_MS] = [500, 2_000];

/**
 * When it is time to look at what somebody deleted in etcd just now.
 *
 * @param nowMs now
 * @param random from 0 to below 1
 */
export function lookAfterDelete(nowMs: number, random: number): number {
  return nowMs + MIN_MS + random * (MAX_MS - MIN_MS);
}

/** Keys that somebody deleted in etcd, until they are looked at. Those of about one time go together. */
export class DeletedKeys {
  readonly #atMs = new Map<string, number>();
  #lastAtMs = -Infinity;

  /** When the first is to be looked at; Infinity if there is none. */
  get atMs(): number {
    return Math.min(...this.#atMs.values());
  }

  /**
   * Takes in a key.
   *
   * @param key the object key
   * @param nowMs now
   * @param random from 0 to below 1
   * @returns false if there are too many by now: then everything is to be looked at
   */
  add(key: string, nowMs: number, random: number): boolean {
    if (this.#atMs.has(key)) return true;
    if (this.#atMs.size >= MAX_KEYS) return false;
    if (this.#lastAtMs < nowMs + MIN_MS) this.#lastAtMs = lookAfterDelete(nowMs, random);
    this.#atMs.set(key, this.#lastAtMs);
    return true;
  }

  /**
   * Keys that it is time for.
   *
   * @param nowMs now
   */
  due(nowMs: number): Set<string> {
    const due = new Set<string>();
    for (const [key, atMs] of this.#atMs) if (atMs <= nowMs) due.add(key);
    return due;
  }

  /**
   * Some were looked at.
   *
   * @param keys which; undefined: all
   */
  looked(keys: Iterable<string> = this.#atMs.keys()): void {
    for (const key of keys) this.#atMs.delete(key);
  }
}
