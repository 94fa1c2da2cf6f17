import type { VacantSpan } from "../etcd/mod.ts";
import { ABSENT } from "./decide.ts";
import type { PlannedOp } from "./pack.ts";
import { isBefore, isWithin, MIN_SPAN_KEYS, resourceOf, type Span, spansOf } from "./spans.ts";

const MAX_VACANT_SPANS = 8;
/**
 * The compares of the root count against `--max-txn-ops` as its operations do: with one for each so
 * many, they are never more than the root of a tree has room for.
 */
const TXN_OPS_PER_SPAN = 16;

/** What vacant spans depend on beside the keys. */
export interface VacancyLimits {
  /** Says what all keys begin with. */
  readonly cache: { readonly identity: { readonly prefix: string } };
  /** etcd's `--max-txn-ops`. */
  readonly maxTxnOps: number;
}

/**
 * The spans of new keys that are vacant and worth a compare: a first import guards them with one
 * compare each, which costs two keys, instead of one for each key.
 *
 * @param ops what one Txn is to do: what it changes or deletes need not have been seen just now
 * @param empty spans that were seen to hold nothing, those of one resource in etcd's order
 * @param limits the prefix of all keys, and etcd's `--max-txn-ops`
 * @returns spans that no key is in but new ones
 */
export function vacantSpans(
  ops: readonly Pick<PlannedOp, "key" | "guardMod">[],
  empty: Iterable<VacantSpan>,
  { cache: { identity: { prefix } }, maxTxnOps }: VacancyLimits,
): VacantSpan[] {
  const most = Math.min(MAX_VACANT_SPANS, Math.floor(maxTxnOps / TXN_OPS_PER_SPAN));
  const [created, known] = [true, false].map((isNew) =>
    ops.filter(({ guardMod }) => (guardMod === ABSENT) === isNew).map(({ key }) => key)
  );
  const emptyOf = Map.groupBy(empty, ({ first }) => resourceOf(first, prefix));
  const isVacant = ({ first, last }: Span) => {
    const around = lastFrom(emptyOf.get(resourceOf(first, prefix)) ?? [], first);
    return around !== undefined && isWithin(around, first) && isWithin(around, last);
  };
  return spansOf(created ?? [], prefix)
    .filter((span) => span.keys >= MIN_SPAN_KEYS && isVacant(span))
    .filter((span) => !known?.some((key) => isWithin(span, key)))
    .sort((a, b) => b.keys - a.keys)
    .slice(0, most);
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
