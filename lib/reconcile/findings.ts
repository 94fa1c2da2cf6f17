import type { InvalidPath, Snapshot } from "../fscache/mod.ts";
import type { CachedFile, ComponentKeyCache, HeldBack, Owner } from "../keycache/mod.ts";
import type { BytesOf, LeftOut } from "../store/mod.ts";
import { isOfSecret, type SnapshotDiff } from "./diff.ts";
import { guardDeletes, type GuardVerdict } from "./guard.ts";
import { type LookScope, lookSettled } from "./look.ts";
import { guardRules, type ReconcileOptions } from "./options.ts";
import type { Phases } from "./phases.ts";
import type { ReconcileReport } from "./report.ts";
import { secretsHeldBack } from "./secrets.ts";
import { tooLargeFiles } from "./too_large.ts";
import { fileValues } from "./values.ts";

/** What a look at the fs cache came to: what is to be done, and what a person should know. */
export interface Findings {
  readonly snapshot: Snapshot<CachedFile>;
  readonly diff: SnapshotDiff;
  /** What the guard lets through. */
  readonly guarded: GuardVerdict;
  /** Fetches what is put. */
  readonly bytesOf: BytesOf;
  /** What can't be imported, of what is to be imported. */
  readonly invalid: readonly InvalidPath[];
}

/**
 * Looks at the fs cache, until what is gone from it has settled, and asks the guard about deletes.
 *
 * @param cache what is recorded
 * @param options how
 * @param scope which part
 * @param phases measures it
 * @throws {CacheRootError} if the root can't be read
 */
export async function findChanges(
  cache: ComponentKeyCache,
  options: ReconcileOptions,
  scope: LookScope,
  phases: Phases,
): Promise<Findings> {
  const { source, clock } = options;
  const progress = (files: number) => options.progress?.("scan", files, undefined);
  const { snapshot, diff } = await phases.time(
    "scan",
    lookSettled({ source, cache, clock, progress }, scope),
  );
  const rules = guardRules(options, scope.absences);
  const guarded = guardDeletes(cache, diff.changes, snapshot.components, rules);
  const valueOf = fileValues(source.root, source.fs, cache, snapshot);
  const secrets = secretsHeldBack({ diff, guarded });
  const bytesOf: BytesOf = (key, owner) => secrets.has(key) ? undefined : valueOf(key, owner);
  // Nobody misses what would be left out if it could be imported.
  const isWanted = ({ path }: InvalidPath) => !source.leavesOutSecrets || !isOfSecret(path);
  const invalid = [...snapshot.invalid.filter(isWanted), ...diff.invalid];
  return { snapshot, diff, guarded, bytesOf, invalid };
}

/**
 * Files that stand for nothing in etcd.
 *
 * @param cache tells where a file is
 * @param findings what was looked at
 * @param tooLarge object keys that fit no request, each with the owner whose object was to be put
 */
export function invalidFiles(
  cache: ComponentKeyCache,
  { invalid }: Findings,
  tooLarge: Iterable<readonly [key: string, owner: Owner | undefined]>,
): InvalidPath[] {
  return [...invalid, ...tooLargeFiles(cache, tooLarge)];
}

/** Deletes that the guard holds back, as a report has them. */
export function heldBackDeletes(findings: Findings): HeldBack[] {
  const { diff, guarded } = findings;
  const held = secretsHeldBack(findings);
  return Array.from(guarded.heldBack, ([component, deletes]) => {
    const isTheirs = (key: string) =>
      diff.changes.get(key)?.released.some((owner) => owner.component === component) ?? false;
    const secrets = [...held].filter(isTheirs).length;
    return { component, deletes, ...(secrets > 0 && { secrets }) };
  });
}

/** A report's status, by what else it says. */
export function reportStatus(
  { invalid, conflicts, heldBack, notPut = [], busy = [] }: Pick<
    ReconcileReport,
    "invalid" | "conflicts" | "heldBack" | "notPut" | "busy"
  >,
): "in-step" | "partial" {
  const isPartial = [invalid, conflicts, heldBack, notPut, busy].some(({ length }) => length > 0);
  return isPartial ? "partial" : "in-step";
}

/**
 * Groups (`component/directory`) to come back to: something in them seems gone or half written.
 *
 * @param cache tells where a file is
 * @param findings what was looked at
 * @param leftOut keys whose file no longer held what was to be put
 */
export function busyGroups(
  cache: ComponentKeyCache,
  { diff }: Findings,
  leftOut: ReadonlyMap<string, LeftOut>,
): string[] {
  const busy = new Set(diff.waiting);
  for (const path of pathsOf(cache, leftOut)) busy.add(path.split("/", 2).join("/"));
  return [...busy].sort();
}

/**
 * Files to look at once more, whose put was left out, and those of the other owners: one of them may
 * be next.
 *
 * @param cache tells where an owner's file is
 * @param leftOut object keys, each with the owner whose file it is
 * @returns canonical paths
 */
export function ownerPathsOf(
  cache: ComponentKeyCache,
  leftOut: ReadonlyMap<string, LeftOut>,
): Set<string> {
  const paths = new Set(pathsOf(cache, leftOut));
  for (const key of leftOut.keys()) {
    for (const owner of cache.rows.get(key)?.owners ?? []) {
      const path = cache.pathOf(key, owner);
      if (path !== undefined) paths.add(path);
    }
  }
  return paths;
}

/**
 * Paths of files below the cache root whose put was left out.
 *
 * @param cache tells where a file is
 * @param leftOut object keys, each with the owner whose file it is
 */
function pathsOf(
  cache: ComponentKeyCache,
  leftOut: ReadonlyMap<string, LeftOut>,
): string[] {
  return Array.from(leftOut, ([key, { owner }]) => cache.pathOf(key, owner) ?? key);
}
