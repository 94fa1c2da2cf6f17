/** A key in the cache's database: a few strings, ordered segment by segment. */
export type KvKey = readonly string[];

/** One write inside an atomic commit. */
export type KvMutation =
  | { readonly set: KvKey; readonly value: Uint8Array }
  | { readonly delete: KvKey };

/**
 * The narrow part of a key-value database that the component-key cache needs. Deno KV implements
 * it for the product, a tearing model of it for the simulator.
 */
export interface KvStore {
  /** Where it is, for messages. */
  readonly path: string;
  /** What one atomic may hold; Deno KV's own limits unless the database says otherwise. */
  readonly limits?: KvLimits;
  /** All entries whose key begins with `prefix`, in key order. */
  list(prefix: KvKey): AsyncIterable<{ key: KvKey; value: Uint8Array }>;
  /**
   * Commits all mutations, or none, durably.
   *
   * @param mutations within the limits of one atomic (see {@linkcode cutIntoAtomics})
   * @param absent a key that must not exist for the commit to happen
   * @throws {KeyCacheError} if it failed or `absent` exists
   */
  commit(mutations: readonly KvMutation[], absent?: KvKey): Promise<void>;
  /** Closes the database; no call may follow. */
  close(): void;
}

/** What a database lets one atomic hold. */
export interface KvLimits {
  /** Of one atomic. */
  readonly maxMutations: number;
  /** Of all keys of one atomic, as they are encoded. */
  readonly maxKeyBytes: number;
  /** Of all keys and values of one atomic. */
  readonly maxTotalBytes: number;
  /** Of one value. */
  readonly maxValueBytes: number;
}

/**
 * Deno KV (Deno 2.9) allows 1,000 mutations, 81,920 B of keys and 819,200 B in all an atomic, and
 * 65,536 B a value; a little is left for its own framing.
 */
export const DENO_KV_LIMITS: KvLimits = {
  maxMutations: 1_000,
  maxKeyBytes: 80_000,
  maxTotalBytes: 800_000,
  maxValueBytes: 60_000,
};
const SEGMENT_OVERHEAD_BYTES = 2;
const UTF8_BYTES_PER_CHAR = 3;

/**
 * Cuts mutations into atomics that fit a database's limits, order kept. Lazy, so that one atomic
 * is made while the database writes the one before.
 *
 * @param mutations what is to be written
 * @param last what must stand together in the last atomic
 * @param limits of one atomic
 * @returns one or more atomics; the last one ends with all of `last`
 */
export function* cutIntoAtomics(
  mutations: Iterable<KvMutation>,
  last: readonly KvMutation[],
  limits: KvLimits = DENO_KV_LIMITS,
): Generator<KvMutation[], void, undefined> {
  let atomic: KvMutation[] = [];
  let room = new Room(limits);
  for (const mutation of mutations) {
    if (!room.take([mutation]) && atomic.length > 0) {
      yield atomic;
      atomic = [];
      room = new Room(limits);
      room.take([mutation]);
    }
    atomic.push(mutation);
  }
  if (!room.take(last) && atomic.length > 0) {
    yield atomic;
    atomic = [];
  }
  // Even beyond the limits: then the database refuses, rather than that a part is missing.
  atomic.push(...last);
  yield atomic;
}

/** What is left of one atomic's limits. */
class Room {
  #mutations: number;
  #keyBytes: number;
  #totalBytes: number;

  constructor(limits: KvLimits) {
    this.#mutations = limits.maxMutations;
    this.#keyBytes = limits.maxKeyBytes;
    this.#totalBytes = limits.maxTotalBytes;
  }

  take(mutations: readonly KvMutation[]): boolean {
    let keyBytes = 0;
    let valueBytes = 0;
    for (const mutation of mutations) {
      for (const segment of "set" in mutation ? mutation.set : mutation.delete) {
        keyBytes += encodedBound(segment);
      }
      if ("set" in mutation) valueBytes += mutation.value.length;
    }
    const totalBytes = valueBytes + 2 * keyBytes;
    if (
      mutations.length > this.#mutations || keyBytes > this.#keyBytes ||
      totalBytes > this.#totalBytes
    ) return false;
    this.#mutations -= mutations.length;
    this.#keyBytes -= keyBytes;
    this.#totalBytes -= totalBytes;
    return true;
  }
}

/** Upper bound of a segment's encoded size: exact for ASCII, which nearly every key is. */
function encodedBound(segment: string): number {
  const plain = /^[ -~]*$/.test(segment);
  return segment.length * (plain ? 1 : UTF8_BYTES_PER_CHAR) + SEGMENT_OVERHEAD_BYTES;
}
