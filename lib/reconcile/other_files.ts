import { formatPath, type StandingGroup } from "../fscache/mod.ts";
import { type Gvr, nameInKey, objectKey, type ObjectName, parseGvr } from "../k8s/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { Slices } from "../slices.ts";
import { ownersAfter } from "../store/mod.ts";
import type { SnapshotDiff } from "./diff.ts";

/** What is there in the cache, as far as it could hold a key. */
export interface Standing {
  /** All groups, each with whether the run is to look at it. */
  groups(): readonly (StandingGroup & { readonly isCovered: boolean })[];
  /** Tells whether a file stands in one. */
  standsIn(group: StandingGroup, object: ObjectName): boolean;
}

/**
 * Finds the files that could hold a key whose last owner is about to let go: one component can have
 * an object in both layouts or in two versions, another can have just got it, and not all of them
 * are on record. What a run is not to look at counts where its component itself lets go.
 *
 * @param cache what is recorded
 * @param diff what is about to be done
 * @param standing what is there
 * @param slices cut the work: a whole component's keys may be about to go
 * @returns canonical paths, without the files that are known to be gone
 */
export async function otherFiles(
  cache: ComponentKeyCache,
  diff: SnapshotDiff,
  standing: Standing,
  slices: Slices,
): Promise<string[]> {
  const others: string[] = [];
  const { prefix } = cache.identity;
  let groups: ReturnType<Standing["groups"]> | undefined;
  for (const [key, change] of diff.changes) {
    const [owner] = change.released;
    const gvr = owner && parseGvr(owner.gvr);
    const object = gvr && nameInKey(prefix, gvr, key);
    if (slices.isOver()) await slices.pause();
    if (!object || ownersAfter(cache.rows.get(key), change).length > 0) continue;
    const gone = new Set(change.released.map((released) => cache.pathOf(key, released)));
    groups ??= standing.groups();
    others.push(
      ...groups
        .filter(({ isCovered, component }) =>
          isCovered || change.released.some((released) => released.component === component)
        )
        .filter((group) => mayHold(group, gvr, key, (of) => objectKey(prefix, of, object)))
        .map((group) => ({ group, path: formatPath({ ...group, ...object }) }))
        .filter(({ group, path }) => !gone.has(path) && standing.standsIn(group, object))
        .map(({ path }) => path),
    );
  }
  return others;
}

/** In the older layout only the object itself says its group and version. */
function mayHold(
  group: StandingGroup,
  { resource }: Gvr,
  key: string,
  keyOf: (gvr: Gvr) => string,
): boolean {
  return group.resource === resource && (group.gvr === undefined || keyOf(group.gvr) === key);
}
