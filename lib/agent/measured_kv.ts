import type { KvMutation, KvStore } from "../keycache/mod.ts";

/**
 * Measures what is written to a key-value database: each commit is an fsync, and wears out the
 * flash that it is on.
 *
 * @param store the database
 * @param committed told of each commit that went well: the bytes of its keys and values
 */
export function measuredKv(store: KvStore, committed: (bytes: number) => void): KvStore {
  return {
    path: store.path,
    ...(store.limits && { limits: store.limits }),
    list: (prefix) => store.list(prefix),
    async commit(mutations, absent) {
      await store.commit(mutations, absent);
      committed(mutations.reduce((sum, mutation) => sum + bytesOf(mutation), 0));
    },
    close: () => store.close(),
  };
}

function bytesOf(mutation: KvMutation): number {
  const key = "set" in mutation ? mutation.set : mutation.delete;
  const keyBytes = key.reduce((sum, segment) => sum + segment.length, 0);
  return keyBytes + ("set" in mutation ? mutation.value.length : 0);
}
