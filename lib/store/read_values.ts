import { buildTxn, EtcdError, readTxn, txnLevels, type TxnOp } from "../etcd/mod.ts";
import type { StoreContext } from "./context.ts";
import type { FoundVersion } from "./decide.ts";
import { exchange } from "./exchange.ts";
import { versionOf } from "./value_version.ts";

/** A key whose value is to be judged. */
export interface ValueRequest {
  /** The object key. */
  readonly key: string;
  /** How many bytes its value is likely to have. */
  readonly expectedBytes: number;
}

/** What {@linkcode readVersions} found. */
export interface FoundVersions {
  /** By key; undefined for a key that does not exist. */
  readonly versions: ReadonlyMap<string, FoundVersion | undefined>;
  /** etcd's revision after it; undefined if nothing was read. */
  readonly revision: string | undefined;
}

const PAGE_KEYS = 64;
const PAGE_BYTES = 4 * 1024 * 1024;

/**
 * Reads values and finds their versions: uid, resourceVersion (empty if an apiserver wrote the
 * value), hash and mod revision.
 *
 * Unless `dry`, the fence moves in the same Txn: only then are the mods known, since an etcd that
 * is restored to a state before the read shows in the fence.
 *
 * @param context both sides
 * @param requests what to read
 * @param dry read only
 * @returns what was found; undefined if the fence was lost on the way, so that the caller plans anew
 * @throws {EtcdError} if etcd fails
 */
export async function readVersions(
  context: StoreContext,
  requests: readonly ValueRequest[],
  dry: boolean,
): Promise<FoundVersions | undefined> {
  const versions = new Map<string, FoundVersion | undefined>();
  let revision: string | undefined;
  const pages = pagesOf(requests, pageKeys(context.maxTxnOps));
  for (let page = pages.shift(); page; page = pages.shift()) {
    const ops: TxnOp[] = page.map(({ key }) => ({ action: "read", key, keysOnly: false }));
    try {
      const answer = dry ? await readDry(context, ops) : await readBumping(context, ops);
      if (!answer?.results) return undefined;
      revision = answer.revision;
      answer.results.forEach(({ found }, index) => {
        const key = ops[index]?.key;
        if (key !== undefined) versions.set(key, found && versionOf(found.mod, found.value));
      });
    } catch (error) {
      const tooLarge = error instanceof EtcdError && error.reason === "answer-too-large";
      if (!tooLarge || page.length === 1) throw error;
      const half = Math.ceil(page.length / 2);
      pages.unshift(page.slice(0, half), page.slice(half));
    }
  }
  return { versions, revision };
}

async function readDry(context: StoreContext, ops: readonly TxnOp[]) {
  const { etcd, maxTxnOps } = context;
  const response = await etcd.txn(buildTxn(undefined, ops, maxTxnOps));
  const results = readTxn(undefined, ops, response, maxTxnOps);
  return { results, revision: response.header.revision };
}

async function readBumping(context: StoreContext, ops: readonly TxnOp[]) {
  const done = await exchange(context, [], ops);
  // An answer that was too large is so every time: the caller has to ask for less.
  if (done.error && (!done.applied || done.error.reason === "answer-too-large")) throw done.error;
  return done.applied ? done : undefined;
}

/** A small `--max-txn-ops` leaves room for few reads. */
function pageKeys(maxTxnOps: number): number {
  let keys = PAGE_KEYS;
  while (keys > 1 && txnLevels(maxTxnOps, keys) === undefined) keys--;
  return keys;
}

function pagesOf(requests: readonly ValueRequest[], pageKeys: number): ValueRequest[][] {
  const pages: ValueRequest[][] = [];
  let page: ValueRequest[] = [];
  let bytes = 0;
  for (const request of requests) {
    if (
      page.length === pageKeys || (page.length > 0 && bytes + request.expectedBytes > PAGE_BYTES)
    ) {
      pages.push(page);
      page = [];
      bytes = 0;
    }
    page.push(request);
    bytes += request.expectedBytes;
  }
  if (page.length > 0) pages.push(page);
  return pages;
}
