import { Buffer } from "node:buffer";
import { EtcdError, txnLevels, type TxnOp, type TxnOpResult } from "../etcd/mod.ts";
import type { Owner } from "../keycache/mod.ts";
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
/** Where nobody knows better. */
const LEAST_EXPECTED_BYTES = 1_024;

/**
 * How many bytes a value is likely to have that owners hold, here or elsewhere.
 *
 * @param owners as the cache has them
 */
export function expectedBytes(owners: readonly Owner[]): number {
  return Math.max(LEAST_EXPECTED_BYTES, ...owners.map(({ stamp }) => stamp.size));
}

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
  const { maxTxnOps } = context;
  const pages = dry
    ? inPages(requests, maxTxnOps, (keys) => readDry(context, keys))
    : inPages(requests, bumpingKeys(maxTxnOps), (keys) => readBumping(context, keys));
  for await (const { keys, answer } of pages) {
    if (!answer?.results) return undefined;
    revision = answer.revision;
    answer.results.forEach(({ found }, index) => {
      const key = keys[index];
      if (key !== undefined) versions.set(key, found && versionOf(found.mod, found.value));
    });
  }
  return { versions, revision };
}

/** What was asked for at once, and what came. */
interface ValuePage<T> {
  readonly keys: readonly string[];
  readonly answer: T;
}

/**
 * Asks for values page by page; what is too much for one answer is asked for in halves.
 *
 * @param requests what is asked for
 * @param maxKeys how many keys may be asked for at once
 * @param ask asks for the values of some keys
 * @throws what `ask` throws
 */
export async function* inPages<T>(
  requests: readonly ValueRequest[],
  maxKeys: number,
  ask: (keys: readonly string[]) => Promise<T>,
): AsyncGenerator<ValuePage<T>> {
  const pages = pagesOf(requests, Math.min(PAGE_KEYS, maxKeys));
  for (let keys = pages.shift(); keys; keys = pages.shift()) {
    let answer: T;
    try {
      answer = await ask(keys);
    } catch (error) {
      const tooLarge = error instanceof EtcdError && error.reason === "answer-too-large";
      if (!tooLarge || keys.length === 1) throw error;
      const half = Math.ceil(keys.length / 2);
      pages.unshift(keys.slice(0, half), keys.slice(half));
      continue;
    }
    yield { keys, answer };
  }
}

async function readDry({ etcd }: StoreContext, keys: readonly string[]) {
  const { header, answers } = await etcd.rangeAll(keys.map((key) => ({ key: Buffer.from(key) })));
  const results = answers.map(({ kvs: [kv] }): Pick<TxnOpResult, "found"> =>
    kv ? { found: { mod: kv.mod_revision, value: kv.value } } : {}
  );
  return { results, revision: header.revision };
}

async function readBumping(context: StoreContext, keys: readonly string[]) {
  const ops: TxnOp[] = keys.map((key) => ({ action: "read", key }));
  const done = await exchange(context, [], ops);
  // An answer that was too large is so every time: the caller has to ask for less.
  if (done.error && (!done.applied || done.error.reason === "answer-too-large")) throw done.error;
  return done.applied ? done : undefined;
}

/** A small `--max-txn-ops` leaves room for few reads. */
function bumpingKeys(maxTxnOps: number): number {
  let keys = PAGE_KEYS;
  while (keys > 1 && txnLevels(maxTxnOps, keys) === undefined) keys--;
  return keys;
}

function pagesOf(requests: readonly ValueRequest[], maxKeys: number): string[][] {
  const pages: string[][] = [];
  let page: string[] = [];
  let bytes = 0;
  for (const { key, expectedBytes } of requests) {
    if (page.length === maxKeys || (page.length > 0 && bytes + expectedBytes > PAGE_BYTES)) {
      pages.push(page);
      page = [];
      bytes = 0;
    }
    page.push(key);
    bytes += expectedBytes;
  }
  if (page.length > 0) pages.push(page);
  return pages;
}
