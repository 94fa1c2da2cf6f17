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

// Deno KV (Deno 2.9) allows 1,000 mutations, 81,920 B of keys and 819,200 B in all an atomic; a
// little is left for its own framing.
const MAX_MUTATIONS = 1_000;
const MAX_KEY_BYTES = 80_000;
const MAX_TOTAL_BYTES = 800_000;
const SEGMENT_OVERHEAD_BYTES = 2;
const UTF8_BYTES_PER_CHAR = 3;

/**
 * Cuts a list of mutations into atomics that fit Deno KV's limits, order kept.
 *
 * @param mutations what is to be written
 * @param last what must stand together in the last atomic
 * @returns one or more atomics; the last one ends with all of `last`
 */
export function cutIntoAtomics(
  mutations: Iterable<KvMutation>,
  last: readonly KvMutation[],
): KvMutation[][] {
  const atomics: KvMutation[][] = [];
  let room = openAtomic(atomics);
  for (const mutation of mutations) {
    if (!room.take(mutation)) {
      room = openAtomic(atomics);
      room.take(mutation);
    }
  }
  const tail = sum(last);
  if (!room.fits(last.length, tail.keyBytes, tail.bytes)) room = openAtomic(atomics);
  for (const mutation of last) room.take(mutation);
  return atomics;
}

function openAtomic(atomics: KvMutation[][]) {
  const atomic: KvMutation[] = [];
  atomics.push(atomic);
  let keyBytes = 0;
  let bytes = 0;
  const fits = (count: number, moreKeyBytes: number, moreBytes: number) =>
    atomic.length + count <= MAX_MUTATIONS && keyBytes + moreKeyBytes <= MAX_KEY_BYTES &&
    bytes + moreBytes <= MAX_TOTAL_BYTES;
  return {
    fits,
    take(mutation: KvMutation): boolean {
      const size = sum([mutation]);
      if (atomic.length > 0 && !fits(1, size.keyBytes, size.bytes)) return false;
      keyBytes += size.keyBytes;
      bytes += size.bytes;
      atomic.push(mutation);
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
  return { keyBytes, bytes: bytes + keyBytes };
}

/** Upper bound of a segment's encoded size: exact for ASCII, which nearly every key is. */
function encodedBound(segment: string): number {
  const plain = /^[ -~]*$/.test(segment);
  return segment.length * (plain ? 1 : UTF8_BYTES_PER_CHAR) + SEGMENT_OVERHEAD_BYTES;
}
