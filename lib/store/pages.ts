import { Buffer } from "node:buffer";
import type { IRangeResponse } from "etcd3";
import { type Etcd, EtcdError } from "../etcd/mod.ts";
import type { Span } from "./spans.ts";

/** How spans are read. */
export interface PageOptions {
  /** Keys a page at most. */
  readonly limit: number;
  readonly keysOnly: boolean;
  /** Read at this revision; undefined: at that of the first page. */
  readonly revision?: string;
}

/**
 * Reads spans in pages at one revision; a page whose values are too much for one answer is read
 * in halves.
 *
 * @param etcd where
 * @param spans what
 * @param options how
 * @throws {EtcdError} if etcd fails; `compacted` if the revision is gone
 */
export async function* readPages(
  etcd: Etcd,
  spans: readonly Span[],
  options: PageOptions,
): AsyncGenerator<IRangeResponse> {
  let { limit, revision } = options;
  for (const span of spans) {
    const end = Buffer.from(`${span.last}\0`);
    let from = Buffer.from(span.first);
    for (let more = true; more;) {
      let page: IRangeResponse;
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
