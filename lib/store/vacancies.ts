import type { VacantSpan } from "../etcd/mod.ts";
import { isBefore, isWithin, MIN_SPAN_KEYS, resourceOf, type Span, spansOf } from "./spans.ts";

const MAX_VACANT_SPANS = 8;
/**
 * The compares of the root count against `--max-txn-ops` as its operations do: with one for each so
 * many, they are never more than the root of a tree has room for.
 */
const TXN_OPS_PER_SPAN = 16;

/**
 * Finds spans of new keys in which there is nothing in etcd: a first import guards them with one
 * compare each, which costs two keys, instead of one for each key.
 */
export class Vacancies {
  readonly #prefix: string;
  readonly #most: number;
  /** Spans that were seen to be empty, by resource and in etcd's order. */
  readonly #empty = new Map<string, VacantSpan[]>();
  /** Spans that were written to since, by resource. */
  readonly #filled = new Map<string, Span[]>();

  /**
   * @param empty spans that were seen to hold nothing, those of one resource in etcd's order
   * @param prefix of all keys
   * @param maxTxnOps etcd's `--max-txn-ops`
   */
  constructor(empty: Iterable<VacantSpan>, prefix: string, maxTxnOps: number) {
    this.#prefix = prefix;
    this.#most = Math.min(MAX_VACANT_SPANS, Math.floor(maxTxnOps / TXN_OPS_PER_SPAN));
    for (const span of empty) addTo(this.#empty, resourceOf(span.first, prefix), span);
  }

  /**
   * The spans of new keys that are vacant and worth a compare.
   *
   * @param keys those that one Txn is to create
   * @param known those that it changes or deletes: not all of them need to have been seen just now
   */
  spansOf(keys: Iterable<string>, known: readonly string[] = []): VacantSpan[] {
    return spansOf(keys, this.#prefix)
      .filter((span) => span.keys >= MIN_SPAN_KEYS && this.#isVacant(span))
      .filter((span) => !known.some((key) => isWithin(span, key)))
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
    const empty = lastFrom(this.#empty.get(resource) ?? [], span.first);
    if (!empty || !isWithin(empty, span.first) || !isWithin(empty, span.last)) return false;
    return !this.#filled.get(resource)?.some(({ first, last }) =>
      isWithin(span, first) || isWithin({ first, last }, span.first)
    );
  }
}

/** The last of sorted spans that does not begin behind a key; undefined if there is none. */
function lastFrom(sorted: readonly VacantSpan[], key: string): VacantSpan | undefined {
  let low = 0;
  for (let high = sorted.length; low < high;) {
    const middle = (low + high) >> 1;
    if (isBefore(key, sorted[middle]?.first ?? "")) high = middle;
    else low = middle + 1;
  }
  return sorted[low - 1];
}

function addTo<T>(map: Map<string, T[]>, resource: string, one: T): void {
  const list = map.get(resource);
  if (list) list.push(one);
  else map.set(resource, [one]);
}
