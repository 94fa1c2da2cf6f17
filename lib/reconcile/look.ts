import {
  AbsenceHistory,
  type ComponentLimits,
  type CoverageOptions,
  scan,
  type ScanOptions,
  type Snapshot,
  standingGroups,
  standsIn,
} from "../fscache/mod.ts";
import type { Clock } from "../clock.ts";
import type { CachedFile, ComponentKeyCache } from "../keycache/mod.ts";
import { hasSecretKeys } from "../k8s/mod.ts";
import { Slices } from "../slices.ts";
import { diffSnapshot, type SnapshotDiff } from "./diff.ts";
import { otherFiles, type Standing, withoutMoving } from "./other_files.ts";

/** The fs cache and how to look at it: what of a scan stays the same from one to the next. */
export interface FsCache
  extends Pick<ScanOptions<CachedFile>, "root" | "fs" | "customs" | "settleMs" | "maxObjectBytes"> {
  /** Core Secrets are not imported, and those that were are let go. */
  readonly leavesOutSecrets?: boolean;
  /** Which components and resources are looked at. */
  readonly coverage: Pick<CoverageOptions, "components" | "excludeResources">;
  /**
   * `--max-component-keys` and `--max-component-bytes`
   *
   * @default generous ones
   */
  readonly limits?: ComponentLimits | undefined;
}

/** Everything, waiting until it has settled: what a one-shot looks at. */
export function everything(): LookScope {
  return { groups: undefined, patient: true, absences: new AbsenceHistory() };
}

/** What is looked at, and what it is compared with. */
export interface LookParts {
  readonly source: FsCache;
  /** What is recorded. */
  readonly cache: ComponentKeyCache;
  readonly clock: Clock;
  /** Told how many files were looked at. */
  readonly progress: (files: number) => void;
}

/** Which part to look at, and how patiently. */
export interface LookScope {
  /** Only these groups, as `component/directory`; undefined: all. */
  readonly groups: ReadonlySet<string> | undefined;
  /** Also these files, by canonical path, although the run was told not to look at them. */
  readonly besides?: ReadonlySet<string>;
  /** Wait for directories to settle; else the caller comes back to what is waiting. */
  readonly patient: boolean;
  /** What is remembered of missing files from look to look. */
  readonly absences: AbsenceHistory;
}

/** What the looks came to. */
export interface Look {
  readonly snapshot: Snapshot<CachedFile>;
  readonly diff: SnapshotDiff;
}

const MAX_LOOKS = 3;
/** Timers may fire early; a little more than the settle time is waited. */
const MARGIN_MS = 50;

/**
 * Scans the fs cache; as long as something seems gone that can't be trusted yet, waits for the
 * settle time and looks again, up to three times in all. Before a key loses its last owner, every
 * file is looked at that could hold it, in or out of the scope.
 *
 * @param parts what is looked at
 * @param scope which part, and how patiently
 * @throws {CacheRootError} if the root can't be read
 */
export async function lookSettled(
  parts: LookParts,
  scope: LookScope,
): Promise<Look> {
  for (let look = 1;; look++) {
    const seen = await lookEverywhere(parts, scope);
    if (seen.diff.waiting.size === 0 || !scope.patient || look === MAX_LOOKS) return seen;
    await parts.clock.sleep(parts.source.settleMs + MARGIN_MS);
  }
}

/**
 * Looks, and again also at files outside of the scope that could hold what is to be deleted: until
 * no look lets go of a key for which that was not done.
 */
async function lookEverywhere(
  parts: LookParts,
  scope: LookScope,
): Promise<Look> {
  const { source: { root, fs, coverage }, cache, clock } = parts;
  const standing: Standing = {
    groups() {
      const covered = new Set(standingGroups(fs, root, coverage).map(({ source }) => source));
      return standingGroups(fs, root, {})
        .map((group) => ({ ...group, isCovered: covered.has(group.source) }));
    },
    standsIn: (group, object) => standsIn(fs, root, group, object),
  };
  const slices = new Slices(clock);
  let besides = scope.besides ?? new Set();
  for (;;) {
    const { snapshot, diff } = await lookOnce(parts, { ...scope, besides });
    const others = await otherFiles(cache, diff, standing, slices);
    const seen = { snapshot, diff: withoutMoving(diff, snapshot.leftOut, others) };
    const unseen = others.map(({ path }) => path)
      .filter((path) => snapshot.absence(path) === "not-looked-at");
    if (unseen.length === 0) return seen;
    besides = besides.union(new Set(unseen));
  }
}

async function lookOnce(
  { source, cache, clock, progress }: LookParts,
  { groups, besides, absences }: LookScope,
): Promise<Look> {
  const { coverage: { excludeResources }, leavesOutSecrets } = source;
  const snapshot = await scan<CachedFile>({
    ...source,
    ...source.coverage,
    groups,
    besides,
    absences,
    recorded: cache.files,
    room: {
      limits: source.limits,
      heldBy: (component) => cache.heldBy(component),
      isLeftOut: (gvr) => (leavesOutSecrets && hasSecretKeys(gvr)) || !!excludeResources?.has(gvr),
    },
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    progress,
    pause: () => clock.pause(),
  });
  const diff = diffSnapshot(cache, snapshot, {
    isExcluded: excludeResources &&
      ((path, gvr) => !besides?.has(path) && excludeResources.has(gvr)),
    leavesOutSecrets,
  });
  return { snapshot, diff };
}
