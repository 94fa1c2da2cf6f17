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
  readonly maxMutations: number;
  readonly maxKeyBytes: number;
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
 * Cuts a list of mutations into atomics that fit a database's limits, order kept.
 *
 * @param mutations what is to be written
 * @param last what must stand together in the last atomic
 * @param limits of one atomic
 * @returns one or more atomics; the last one ends with all of `last`
 */
export function cutIntoAtomics(
  mutations: Iterable<KvMutation>,
  last: readonly KvMutation[],
  limits: KvLimits = DENO_KV_LIMITS,
): KvMutation[][] {
  const atomics: KvMutation[][] = [];
  let room = openAtomic(atomics, limits);
  for (const mutation of mutations) {
    if (!room.take(mutation)) {
      room = openAtomic(atomics, limits);
      room.take(mutation);
    }
  }
  const tail = sum(last);
  if (!room.fits(last.length, tail.keyBytes, tail.bytes)) room = openAtomic(atomics, limits);
  // Even beyond the limits: then the database refuses, rather than that a part is missing.
  for (const mutation of last) room.push(mutation);
  return atomics;
}

function openAtomic(atomics: KvMutation[][], limits: KvLimits) {
  const atomic: KvMutation[] = [];
  atomics.push(atomic);
  let keyBytes = 0;
  let bytes = 0;
  const fits = (count: number, moreKeyBytes: number, moreBytes: number) =>
    atomic.length + count <= limits.maxMutations &&
    keyBytes + moreKeyBytes <= limits.maxKeyBytes && bytes + moreBytes <= limits.maxTotalBytes;
  const push = (mutation: KvMutation) => {
    const size = sum([mutation]);
    keyBytes += size.keyBytes;
    bytes += size.bytes;
    atomic.push(mutation);
  };
  return {
    fits,
    push,
    take(mutation: KvMutation): boolean {
      const size = sum([mutation]);
      if (atomic.length > 0 && !fits(1, size.keyBytes, size.bytes)) return false;
      push(mutation);
      return true;
    },
  };
}

function sum(mutations: readonly KvMutation[]) {
  let keyBytes = 0;
  let bytes = 0;
  for (const mutation of mutations) {
    const key = "set" in mutation ? mutation.set : mutation.delete;
    for (const segment of key) keyBytes += encodedBound(segment);
    if ("set" in mutation) bytes += mutation.value.length;
  }
  return { keyBytes, bytes: bytes + 2 * keyBytes };
}

/** Upper bound of a segment's encoded size: exact for ASCII, which nearly every key is. */
function encodedBound(segment: string): number {
  const plain = /^[ -~]*$/.test(segment);
  return segment.length * (plain ? 1 : UTF8_BYTES_PER_CHAR) + SEGMENT_OVERHEAD_BYTES;
}
