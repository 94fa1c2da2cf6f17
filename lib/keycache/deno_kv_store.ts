import { KeyCacheError } from "./errors.ts";
import type { KvKey, KvMutation, KvStore } from "./kv_store.ts";

const LIST_BATCH = 500;

/**
 * A {@linkcode KvStore} on an open Deno KV database.
 *
 * @param kv the database; it is closed with the store
 * @param path where it is, for messages
 */
export function denoKvStore(kv: Deno.Kv, path: string): KvStore {
  return {
    path,
    async *list(prefix) {
      try {
        for await (const entry of kv.list({ prefix: [...prefix] }, { batchSize: LIST_BATCH })) {
          yield { key: entry.key.map(String), value: bytesOf(entry.value, entry.key) };
        }
      } catch (error) {
        throw kvError(error, path, "read");
      }
    },
    async commit(mutations: readonly KvMutation[], absent?: KvKey) {
      const atomic = kv.atomic();
      if (absent) atomic.check({ key: [...absent], versionstamp: null });
      for (const mutation of mutations) {
        if ("set" in mutation) atomic.set([...mutation.set], mutation.value);
        else atomic.delete([...mutation.delete]);
      }
      let done: Deno.KvCommitResult | Deno.KvCommitError;
      try {
        done = await atomic.commit();
      } catch (error) {
        throw kvError(error, path, "write");
      }
      if (!done.ok) {
        throw new KeyCacheError(
          "io",
          `${path}: an intent is already pending; run \`edgekeyd --reconcile\` again`,
        );
      }
    },
    close: () => kv.close(),
  };
}

/**
 * Turns what Deno KV throws (errors without a code, only a message) into a KeyCacheError.
 *
 * @param error what was thrown
 * @param path the database
 * @param doing `open`, `read` or `write`
 */
export function kvError(error: unknown, path: string, doing: string): KeyCacheError {
  if (error instanceof KeyCacheError) return error;
  const text = error instanceof Error ? error.message : String(error);
  // The latter two are how it says that a record's key can't be decoded.
  const isDamage = /not a database|malformed|corrupt/i.test(text) ||
    error instanceof Deno.errors.InvalidData || error instanceof Deno.errors.UnexpectedEof;
  if (isDamage) {
    return new KeyCacheError("damaged", `cannot ${doing} ${path}: ${text}`, { cause: error });
  }
  if (/disk is full|no space left/i.test(text)) {
    return new KeyCacheError("full", `cannot ${doing} ${path}: the disk is full; free some space`, {
      cause: error,
    });
  }
  return new KeyCacheError(
    "io",
    `cannot ${doing} ${path}: ${text}; check the directory's owner, mode and free space`,
    { cause: error },
  );
}

function bytesOf(value: unknown, key: Deno.KvKey): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new KeyCacheError(
    "damaged",
    `record ${key.join(" ")} of the component-key cache is damaged`,
  );
}
