import { Buffer } from "node:buffer";
import { type Etcd, EtcdError, type RangeResponse } from "../etcd/mod.ts";
import type { Span } from "./spans.ts";

/** Keys a page of keys alone: an answer stays far below gRPC's 4 MiB even with keys of 512 B. */
const KEYS_A_PAGE = 4_000;

/** How to read keys alone, in pages. */
export const KEYS_ONLY: PageOptions = { limit: KEYS_A_PAGE, keysOnly: true };

/** A range as etcd takes it: keys from the first on, up to an end that is not part of it. */
export interface KeyRange {
  readonly first: Buffer;
  readonly end: Buffer;
}

/** How spans are read. */
export interface PageOptions {
  /** Keys a page at most. */
  readonly limit: number;
  /** Leave the values out. */
  readonly keysOnly: boolean;
  /** Read at this revision; undefined: at that of the first page. */
  readonly revision?: string;
}

/** The range of a span. */
export function rangeOf({ first, last }: Span): KeyRange {
  return { first: Buffer.from(first), end: Buffer.from(`${last}\0`) };
}

/**
 * All keys under a prefix, in etcd's order, as they were at one revision.
 *
 * @param etcd where
 * @param prefix with its last slash
 * @returns the keys
 * @throws {EtcdError} if etcd fails, or compacts faster than they can be read
 */
export async function keysUnder(etcd: Etcd, prefix: string): Promise<string[]> {
  // `0` is the character after the slash.
  const range = { first: Buffer.from(prefix), end: Buffer.from(`${prefix.slice(0, -1)}0`) };
  return await restartingIfCompacted(async () => {
    const keys: string[] = [];
    for await (const { kvs } of readPages(etcd, [range], KEYS_ONLY)) {
      for (const { key } of kvs) keys.push(key.toString());
    }
    return keys;
  });
}

/**
 * Reads ranges in pages at one revision; a page whose values are too much for one answer is read
 * in halves.
 *
 * @param etcd where
 * @param ranges what
 * @param options how
 * @throws {EtcdError} if etcd fails; `compacted` if the revision is gone
 */
export async function* readPages(
  etcd: Etcd,
  ranges: Iterable<KeyRange>,
  options: PageOptions,
): AsyncGenerator<RangeResponse> {
  let { limit, revision } = options;
  for (const { first, end } of ranges) {
    let from = first;
    for (let more = true; more;) {
      let page: RangeResponse;
      try {
        page = await etcd.range({
          key: from,
          range_end: end,
          limit,
          keys_only: options.keysOnly,
          ...(revision !== undefined && { revision }),
        });
      } catch (error) {
        const tooLarge = error instanceof EtcdError && error.reason === "answer-too-large";
        if (!tooLarge || limit === 1) throw error;
        limit = Math.ceil(limit / 2);
        continue;
      }
      revision ??= page.header.revision;
      yield page;
      const last = page.kvs.at(-1);
      more = page.more && last !== undefined;
      if (last) from = Buffer.concat([last.key, Buffer.of(0)]);
    }
  }
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
