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

/** A file that could hold a key whose last owner is about to let go. */
export interface OtherFile {
  /** The key. */
  readonly key: string;
  /** Canonical path. */
  readonly path: string;
  /** Its component lets go of the key itself, by another file. */
  readonly isOwn: boolean;
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
 * @returns them, without the files that are known to be gone
 */
export async function otherFiles(
  cache: ComponentKeyCache,
  diff: SnapshotDiff,
  standing: Standing,
  slices: Slices,
): Promise<OtherFile[]> {
  const others: OtherFile[] = [];
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
    const letsGo = new Set(change.released.map(({ component }) => component));
    others.push(
      ...groups
        .filter(({ isCovered, component }) => isCovered || letsGo.has(component))
        .filter((group) => mayHold(group, gvr, key, (of) => objectKey(prefix, of, object)))
        .map((group) => ({ group, path: formatPath({ ...group, ...object }) }))
        .filter(({ group, path }) => !gone.has(path) && standing.standsIn(group, object))
        .map(({ group, path }) => ({ key, path, isOwn: letsGo.has(group.component) })),
    );
  }
  return others;
}

/**
 * A component that moves its objects, to another layout or version, may have no room to hold them
 * at both places for a moment. What it has no room for yet stays as it was held before.
 *
 * @param diff what is about to be done
 * @param leftOut files for which there was no room, by canonical path
 * @param others what {@linkcode otherFiles} found
 * @returns what is to be done
 */
export function withoutMoving(
  diff: SnapshotDiff,
  leftOut: ReadonlySet<string>,
  others: readonly OtherFile[],
): SnapshotDiff {
  const moving = others.filter(({ key, path, isOwn }) =>
    isOwn && leftOut.has(path) && !diff.secrets.letGo.has(key)
  );
  if (moving.length === 0) return diff;
  const changes = new Map(diff.changes);
  for (const { key } of moving) changes.delete(key);
  return { ...diff, changes };
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
