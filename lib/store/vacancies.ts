import type { VacantSpan } from "../etcd/mod.ts";
import { isBefore, isWithin, resourceOf, type Span, spansOf } from "./spans.ts";

/** A span's compare costs two keys: for fewer operations, a guard for each is smaller. */
const MIN_SPAN_KEYS = 8;
const MAX_VACANT_SPANS = 8;
/**
 * The compares of the root count against `--max-txn-ops` as its operations do: with one for each so
 * many, they are never more than the root of a tree has room for.
 */
const TXN_OPS_PER_SPAN = 16;

/**
 * Finds spans of new keys in which there is nothing in etcd: a first import guards them with one
 * compare each instead of one for each key.
 */
export class Vacancies {
  readonly #prefix: string;
  readonly #most: number;
  /** Keys that were seen in etcd, by resource and in etcd's order. */
  readonly #seen = new Map<string, string[]>();
  /** Spans that were written to since, by resource. */
  readonly #filled = new Map<string, Span[]>();

  /**
   * @param seen keys that were seen in etcd, those of one resource in its order
   * @param prefix of all keys
   * @param maxTxnOps etcd's `--max-txn-ops`
   */
  constructor(seen: Iterable<string>, prefix: string, maxTxnOps: number) {
    this.#prefix = prefix;
    this.#most = Math.min(MAX_VACANT_SPANS, Math.floor(maxTxnOps / TXN_OPS_PER_SPAN));
    for (const key of seen) addTo(this.#seen, resourceOf(key, prefix), key);
  }

  /**
   * The spans of new keys that are vacant and worth a compare.
   *
   * @param keys those that one Txn is to create
   */
  spansOf(keys: Iterable<string>): VacantSpan[] {
    return spansOf(keys, this.#prefix)
      .filter((span) => span.keys >= MIN_SPAN_KEYS && this.#isVacant(span))
      .sort((a, b) => b.keys - a.keys)
      .slice(0, this.#most);
  }

  /** Notes that a Txn may have written these keys. */
  fill(keys: Iterable<string>): void {
    for (const span of spansOf(keys, this.#prefix)) {
      addTo(this.#filled, resourceOf(span.first, this.#prefix), span);
    }
  }

  #isVacant(span: Span): boolean {
    const resource = resourceOf(span.first, this.#prefix);
    const seen = firstFrom(this.#seen.get(resource) ?? [], span.first);
    if (seen !== undefined && isWithin(span, seen)) return false;
    return !this.#filled.get(resource)?.some(({ first, last }) =>
      isWithin(span, first) || isWithin({ first, last }, span.first)
    );
  }
}

/** The first of sorted keys that is not before another; undefined if there is none. */
function firstFrom(sorted: readonly string[], key: string): string | undefined {
  let low = 0;
  for (let high = sorted.length; low < high;) {
    const middle = (low + high) >> 1;
    if (isBefore(sorted[middle] ?? "", key)) low = middle + 1;
    else high = middle;
  }
  return sorted[low];
}

function addTo<T>(map: Map<string, T[]>, resource: string, one: T): void {
  const list = map.get(resource);
  if (list) list.push(one);
  else map.set(resource, [one]);
}
