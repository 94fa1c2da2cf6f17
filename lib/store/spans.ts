import type { VacantSpan } from "../etcd/mod.ts";

/** Keys of one resource, from the first to the last. */
export interface Span {
  /** Its lowest key, in etcd's order. */
  readonly first: string;
  /** Its highest key. */
  readonly last: string;
  /** How many of the keys that were asked for are in it. */
  readonly keys: number;
}

/**
 * Fewer keys of a resource are not worth a span, neither to read nor to guard: one by one they cost
 * less.
 */
export const MIN_SPAN_KEYS = 8;

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

/** Tells whether one of the spans holds a key. */
export function isIn(spans: readonly VacantSpan[], key: string): boolean {
  return spans.some((span) => isWithin(span, key));
}

/** Tells whether a span holds a key. */
export function isWithin({ first, last }: VacantSpan, key: string): boolean {
  return !isBefore(key, first) && !isBefore(last, key);
}

/**
 * Tells whether etcd has a key before another: it orders them by their bytes as UTF-8, while `<`
 * goes by UTF-16 units and so has a surrogate before U+E000 to U+FFFF.
 */
export function isBefore(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return rankOf(left) < rankOf(right);
  }
  return a.length < b.length;
}

/**
 * Sorts keys as etcd does.
 *
 * @param keys which; they stay as they are
 */
export function inOrder(keys: readonly string[]): string[] {
  // Without surrogates, JavaScript's own order is the same and by far the fastest.
  if (!keys.some((key) => SURROGATE.test(key))) return keys.toSorted();
  return keys.toSorted((a, b) => isBefore(a, b) ? -1 : isBefore(b, a) ? 1 : 0);
}

const SURROGATE = /[\ud800-\udfff]/;

function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** The prefix and the segment after it: a resource, or the group of custom ones. */
export function resourceOf(key: string, prefix: string): string {
  return key.slice(0, key.indexOf("/", prefix.length + 1) + 1);
}
