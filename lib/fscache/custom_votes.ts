/** A kind, as one file has it. */
export interface KindVote {
  /** Whose file it is. */
  readonly component: string;
  /** Undefined if nobody has looked. */
  readonly kind: string | undefined;
}

/**
 * The kind of a custom resource, by its files alone: that which most components have in most of
 * their files, since one component may have any number. At a tie it is the one whose plural the
 * resource's name is, then that of most files, then the first by its letters.
 *
 * @param resource plural name, for example `sensors`
 * @param votes the files
 * @returns the kind; undefined if no file has one
 */
export function kindByVotes(resource: string, votes: Iterable<KindVote>): string | undefined {
  const all = new Map<string, number>();
  const byComponent = new Map<string, Map<string, number>>();
  const rank = (kind: string) => pluralOf(kind) === resource ? 0 : 1;
  for (const { component, kind: said } of votes) {
    if (said === undefined) continue;
    const listed = said.replace(/List$/, "");
    const kind = rank(listed) === 0 ? listed : said;
    const own = byComponent.get(component) ?? new Map<string, number>();
    byComponent.set(component, own);
    for (const counts of [all, own]) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const filesOf = (kind: string) => all.get(kind) ?? 0;
  const components = new Map<string, number>();
  for (const own of byComponent.values()) {
    const kind = mostOf(own, rank, filesOf);
    if (kind !== undefined) components.set(kind, (components.get(kind) ?? 0) + 1);
  }
  return mostOf(components, rank, filesOf);
}

function mostOf(
  counts: ReadonlyMap<string, number>,
  rank: (kind: string) => number,
  filesOf: (kind: string) => number,
): string | undefined {
  const [first] = [...counts].sort(([a, times], [b, others]) =>
    others - times || rank(a) - rank(b) || filesOf(b) - filesOf(a) || (a < b ? -1 : 1)
  );
  return first?.[0];
}

/** A scope, as one file has it. */
export interface ScopeVote {
  /** Whose file it is. */
  readonly component: string;
  /** Whether its object is in a namespace. */
  readonly namespaced: boolean;
}

/**
 * The scope of a custom resource, by its files alone: that which most components have in most of
 * their files; at a tie they are namespaced, as most resources are.
 *
 * @param votes the files
 * @returns whether the resource is namespaced; undefined if there is no file
 */
export function scopeByVotes(votes: Iterable<ScopeVote>): boolean | undefined {
  const leanings = new Map<string, number>();
  for (const { component, namespaced } of votes) {
    leanings.set(component, (leanings.get(component) ?? 0) + (namespaced ? 1 : -1));
  }
  if (leanings.size === 0) return undefined;
  let sum = 0;
  for (const leaning of leanings.values()) sum += leaning >= 0 ? 1 : -1;
  return sum >= 0;
}

/** As Kubernetes guesses it (`UnsafeGuessKindToResource`). */
function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name.endsWith("s")) return `${name}es`;
  return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}
