import { Buffer } from "node:buffer";
import type { RequestOp, TxnRequest } from "./messages.ts";

/**
 * The keys that a Txn writes, sorted.
 *
 * @param request the Txn
 * @param options `nestedOnly`: those in Txns nested in it
 */
export function writtenKeys(
  request: TxnRequest,
  options: { readonly nestedOnly?: boolean } = {},
): string[] {
  const keys = new Set<string>();
  const collect = (ops: readonly RequestOp[] = [], counts: boolean) => {
    for (const { request_put: put, request_delete_range: remove, request_txn: txn } of ops) {
      const key = put?.key ?? remove?.key;
      if (key && counts) keys.add(key.toString());
      collect(txn?.success, true);
      collect(txn?.failure, true);
    }
  };
  collect(request.success, !options.nestedOnly);
  collect(request.failure, !options.nestedOnly);
  return [...keys].sort();
}

/**
 * Finds a key that may not be written.
 *
 * @param keys sorted
 * @param permitted tells whether all keys of these ranges, both ends included, may be written
 * @returns the first such key; undefined if all may be
 */
export async function firstDenied(
  keys: readonly string[],
  permitted: (ranges: readonly KeyRange[]) => Promise<boolean>,
): Promise<string | undefined> {
  // A role covers a prefix as a rule, so that one question about each is enough.
  const groups = Map.groupBy(keys, (key) => key.slice(0, key.indexOf("/", 1) + 1));
  const ranges = [...groups.values()].map(rangeOf);
  for (let start = 0; start < ranges.length; start += RANGES_AT_ONCE) {
    if (await permitted(ranges.slice(start, start + RANGES_AT_ONCE))) continue;
    for (const group of [...groups.values()].slice(start, start + RANGES_AT_ONCE)) {
      const denied = await search(group, permitted);
      if (denied !== undefined) return denied;
    }
  }
  return undefined;
}

/** Keys from the first to the last, both included. */
export interface KeyRange {
  readonly first: string;
  readonly last: string;
}

/** The least that `--max-txn-ops` can be set to here. */
const RANGES_AT_ONCE = 3;

/**
 * The Txn that asks whether ranges may be written, and does nothing: etcd checks both branches,
 * and the If of nothing always holds, so that its Else never runs.
 *
 * @param ranges what to ask for
 */
export function writeQuestion(ranges: readonly KeyRange[]): TxnRequest {
  const failure = ranges.map(({ first, last }): RequestOp => ({
    request_delete_range: { key: Buffer.from(first), range_end: Buffer.from(`${last}\0`) },
  }));
  return { compare: [], success: [], failure };
}

/** A denied range may be one of gaps, with every key in it permitted. */
async function search(
  keys: readonly string[],
  permitted: (ranges: readonly KeyRange[]) => Promise<boolean>,
): Promise<string | undefined> {
  if (keys.length === 0 || await permitted([rangeOf(keys)])) return undefined;
  if (keys.length === 1) return keys[0];
  const middle = Math.ceil(keys.length / 2);
  return await search(keys.slice(0, middle), permitted) ??
    await search(keys.slice(middle), permitted);
}

function rangeOf(keys: readonly string[]): KeyRange {
  return { first: keys[0] ?? "", last: keys.at(-1) ?? "" };
}
