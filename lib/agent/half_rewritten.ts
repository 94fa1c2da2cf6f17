/**
 * yurthub rewrites a list within seconds. A group that has been half rewritten for longer than this
 * most likely is what a yurthub left that died over it, and stays so until somebody tidies up.
 */
export const LONGEST_REWRITE_MS = 60_000;

/** What a pass looked at, and when. */
export interface RewriteLook {
  /** Groups (`component/directory`); undefined: everything. */
  readonly groups: ReadonlySet<string> | undefined;
  /** By a clock that only runs forward, in ms. */
  readonly monotonicMs: number;
}

/**
 * Since when groups have been half rewritten at every look at them.
 *
 * @param before since when they had been
 * @param rewriting groups that the last look found so
 * @param look what that was
 * @returns by group, ms of the same clock
 */
export function rewritingSince(
  before: ReadonlyMap<string, number>,
  rewriting: readonly string[],
  { groups, monotonicMs }: RewriteLook,
): ReadonlyMap<string, number> {
  const elsewhere = [...before].filter(([group]) => groups?.has(group) === false);
  const found = rewriting.map((group): [string, number] => [
    group,
    before.get(group) ?? monotonicMs,
  ]);
  return new Map([...elsewhere, ...found]);
}

/**
 * Groups that have been half rewritten for longer than a rewrite takes.
 *
 * @param since since when groups have been half rewritten
 * @param monotonicMs now, by the same clock
 * @param settleMs what changes is looked at again only after that
 */
export function halfRewritten(
  since: ReadonlyMap<string, number>,
  monotonicMs: number,
  settleMs: number,
): string[] {
  const longestMs = LONGEST_REWRITE_MS + settleMs;
  return [...since].filter(([, sinceMs]) => monotonicMs - sinceMs > longestMs)
    .map(([group]) => group).sort();
}
