import type { VacantSpan } from "../etcd/mod.ts";

/** Keys of one resource, from the first to the last. */
export interface Span {
  readonly first: string;
  readonly last: string;
  /** How many of the keys that were asked for are in it. */
  readonly keys: number;
}

/** A span's compare costs two keys: for fewer operations, a guard for each is smaller. */
const MIN_SPAN_KEYS = 8;
const MAX_VACANT_SPANS = 8;
/**
 * The compares of the root count against `--max-txn-ops` as its operations do: with one for each so
 * many, they are never more than the root of a tree has room for.
 */
const TXN_OPS_PER_SPAN = 16;

/**
 * Groups keys into one span for each resource, so that nothing of another resource is read along.
 *
 * @param keys object keys, in any order
 * @param prefix of all of them
 */
export function spansOf(keys: Iterable<string>, prefix: string): Span[] {
  const spans = new Map<string, { first: string; last: string; keys: number }>();
  for (const key of keys) {
    const resource = resourceOf(key, prefix);
    const span = spans.get(resource);
    if (!span) {
      spans.set(resource, { first: key, last: key, keys: 1 });
      continue;
    }
    span.keys++;
    if (isBefore(key, span.first)) span.first = key;
    else if (isBefore(span.last, key)) span.last = key;
  }
  return [...spans.values()];
}

/**
 * Spans of new keys in which nothing was seen in etcd: a first import guards them with one compare
 * each instead of one for each key.
 *
 * @param keys keys that are to be created
 * @param seen keys that were seen in etcd
 * @param prefix of all of them
 * @param maxTxnOps etcd's `--max-txn-ops`
 */
export function vacantSpans(
  keys: Iterable<string>,
  seen: Iterable<string>,
  prefix: string,
  maxTxnOps: number,
): VacantSpan[] {
  const most = Math.min(MAX_VACANT_SPANS, Math.floor(maxTxnOps / TXN_OPS_PER_SPAN));
  const spans = new Map<string, Span>();
  for (const span of spansOf(keys, prefix)) {
    if (span.keys >= MIN_SPAN_KEYS) spans.set(resourceOf(span.first, prefix), span);
  }
  for (const key of seen) {
    if (spans.size === 0) return [];
    const resource = resourceOf(key, prefix);
    const span = spans.get(resource);
    if (span && isWithin(span, key)) spans.delete(resource);
  }
  return [...spans.values()].sort((a, b) => b.keys - a.keys).slice(0, most);
}

/** Tells whether one of the spans holds a key. */
export function isIn(spans: readonly VacantSpan[], key: string): boolean {
  return spans.some((span) => isWithin(span, key));
}

function isWithin({ first, last }: VacantSpan, key: string): boolean {
  return !isBefore(key, first) && !isBefore(last, key);
}

/**
 * Tells whether etcd has a key before another: it orders them by their bytes as UTF-8, while `<`
 * goes by UTF-16 units and so has a surrogate before U+E000 to U+FFFF.
 */
function isBefore(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return rankOf(left) < rankOf(right);
  }
  return a.length < b.length;
}

function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** The prefix and the segment after it: a resource, or the group of custom ones. */
function resourceOf(key: string, prefix: string): string {
  return key.slice(0, key.indexOf("/", prefix.length + 1) + 1);
}
