import type { MissingGroup } from "../reconcile/mod.ts";

/**
 * yurthub rewrites a list within seconds, and then leaves its directories alone. A group that has
 * been half rewritten, or in which files have been missing that can't be told to be gone, for longer
 * than this stays so until somebody looks after it.
 */
const LONGEST_WAIT_MS = 60_000;

/** Since when groups (`component/directory`) have waited, in ms of a clock that only runs forward. */
export type WaitingSince = ReadonlyMap<string, number>;

/** What a pass looked at, and when. */
export interface GroupsLook {
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
 */
export function rewritingSince(
  before: WaitingSince,
  rewriting: readonly string[],
  look: GroupsLook,
): WaitingSince {
  const found = rewriting.map((group): [string, number] => [
    group,
    before.get(group) ?? look.monotonicMs,
  ]);
  return new Map([...elsewhere(before, look), ...found]);
}

/**
 * Since when files have been missing in groups that can't be told to be gone. A rewrite that stands
 * at one look and not at the next does not begin it anew: a group may be rewritten for ever. One
 * that stands for too long is told by itself, and begins it anew.
 *
 * @param before since when some had been
 * @param missing groups that the last look found so
 * @param rewriting groups half rewritten: until that look, and at it
 * @param look what that was
 */
export function missingSince(
  before: WaitingSince,
  missing: ReadonlyMap<string, MissingGroup>,
  rewriting: { readonly before: WaitingSince; readonly now: WaitingSince },
  look: GroupsLook,
): WaitingSince {
  const stillWaiting = [...before].filter(([group]) =>
    look.monotonicMs - (rewriting.now.get(group) ?? -Infinity) <= LONGEST_WAIT_MS
  );
  const found = [...missing].map(([group, { firstMs }]): [string, number] => {
    const since = before.get(group) ?? (rewriting.before.has(group) ? look.monotonicMs : firstMs);
    return [group, Math.max(since, firstMs)];
  });
  return new Map([...elsewhere(before, look), ...stillWaiting, ...found]);
}

/**
 * Groups that have waited for longer than they should.
 *
 * @param since since when
 * @param monotonicMs now, by the same clock
 * @param settleMs what changes is looked at again only after that
 * @returns in order
 */
export function waitingTooLong(
  since: WaitingSince,
  monotonicMs: number,
  settleMs: number,
): string[] {
  const longestMs = LONGEST_WAIT_MS + settleMs;
  return [...since].filter(([, sinceMs]) => monotonicMs - sinceMs > longestMs)
    .map(([group]) => group).sort();
}

function elsewhere(before: WaitingSince, { groups }: GroupsLook): [string, number][] {
  return [...before].filter(([group]) => groups?.has(group) === false);
}
