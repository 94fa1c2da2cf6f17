/** A kind, as one file has it. */
export interface KindVote {
  /** Undefined if nobody has looked. */
  readonly kind: string | undefined;
}

/**
 * The kind of a custom resource, by its files alone: that which most of them have. At a tie it is
 * the one whose plural the resource's name is, then the first by its letters.
 *
 * @param resource plural name, for example `sensors`
 * @param votes the files
 * @returns the kind; undefined if no file has one
 */
export function kindByVotes(resource: string, votes: Iterable<KindVote>): string | undefined {
  const counts = new Map<string, number>();
  for (const vote of votes) {
    if (vote.kind === undefined) continue;
    const listed = vote.kind.replace(/List$/, "");
    const kind = pluralOf(listed) === resource ? listed : vote.kind;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const rank = (kind: string) => pluralOf(kind) === resource ? 0 : 1;
  const [first] = [...counts].sort(([a, times], [b, others]) =>
    others - times || rank(a) - rank(b) || (a < b ? -1 : 1)
  );
  return first?.[0];
}

/**
 * The scope of a custom resource, by its files alone: that which most of them have; at a tie they
 * are namespaced, as most resources are.
 *
 * @param votes of each file, whether its object is in a namespace
 * @returns whether the resource is namespaced; undefined if there is no file
 */
export function scopeByVotes(votes: readonly boolean[]): boolean | undefined {
  if (votes.length === 0) return undefined;
  return 2 * votes.filter((namespaced) => namespaced).length >= votes.length;
}

/** As Kubernetes guesses it (`UnsafeGuessKindToResource`). */
function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name.endsWith("s")) return `${name}es`;
  return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}
