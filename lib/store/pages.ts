import { Buffer } from "node:buffer";
import { badAnswer, type Etcd, EtcdError, type KeyValue, type RangeResponse } from "../etcd/mod.ts";

/** Keys a page of keys alone: an answer stays far below gRPC's 4 MiB even with keys of 512 B. */
export const KEYS_A_PAGE = 4_000;

/** How to read keys alone, in pages. */
export const KEYS_ONLY = { limit: KEYS_A_PAGE, keysOnly: true };

/**
 * All that stands under a prefix, in etcd's order, as it was at one revision, page by page.
 *
 * @param etcd where
 * @param prefix with its last slash
 * @param options how many keys a page at most, and whether values are left out
 * @throws what {@linkcode pagesBetween} throws
 */
export function pagesUnder(
  etcd: Etcd,
  prefix: string,
  options: { readonly limit: number; readonly keysOnly: boolean },
): AsyncGenerator<readonly KeyValue[]> {
  // `0` is the character after the slash.
  return pagesBetween(etcd, prefix, `${prefix.slice(0, -1)}0`, options);
}

/**
 * All from one key to before another, in etcd's order, as it was at one revision, page by page.
 *
 * @param etcd where
 * @param first from here on
 * @param end to before this
 * @param options how many keys a page at most, and whether values are left out
 * @throws {EtcdError} if etcd fails; `compacted` if the revision is gone; `bad-answer` if the pages
 * are not those of one range
 */
export async function* pagesBetween(
  etcd: Etcd,
  first: string,
  end: string,
  options: { readonly limit: number; readonly keysOnly: boolean },
): AsyncGenerator<readonly KeyValue[]> {
  const rangeEnd = Buffer.from(end);
  let from = Buffer.from(first);
  let { limit } = options;
  let revision: string | undefined;
  let left: bigint | undefined;
  for (;;) {
    let page: RangeResponse;
    try {
      const at = revision === undefined ? {} : { revision };
      const range = { key: from, range_end: rangeEnd, limit, keys_only: options.keysOnly };
      page = await etcd.range({ ...range, ...at });
    } catch (error) {
      limit = halved(limit, error);
      continue;
    }
    const { header, kvs, more, count } = page;
    // At one revision there are as many keys left as the page before has said: so it has an end.
    if (left !== undefined && BigInt(count) !== left) throw badAnswer("a range in pages");
    revision ??= header.revision;
    yield kvs;
    const last = kvs.at(-1);
    if (!more || !last) return;
    left = BigInt(count) - BigInt(kvs.length);
    from = Buffer.concat([last.key, Buffer.of(0)]);
  }
}

/**
 * How much less to ask for, where it was too much for one answer.
 *
 * @param limit what was asked for
 * @param error what that failed with
 * @returns half of it
 * @throws the error, if it is another, or less can't be asked for
 */
export function halved(limit: number, error: unknown): number {
  const tooLarge = error instanceof EtcdError && error.reason === "answer-too-large";
  if (!tooLarge || limit === 1) throw error;
  return Math.ceil(limit / 2);
}

const MAX_RESTARTS = 3;

/**
 * Runs a read anew when the revision that it reads at was compacted under it.
 *
 * @param read one whole read
 * @throws {EtcdError} if etcd fails, or compacts faster than it can be read
 */
export async function restartingIfCompacted<T>(read: () => Promise<T>): Promise<T> {
  for (let restart = 0;; restart++) {
    try {
      return await read();
    } catch (error) {
      const compacted = error instanceof EtcdError && error.reason === "compacted";
      if (!compacted || restart === MAX_RESTARTS) throw error;
    }
  }
}
