import {
  canonicalName,
  groupOf,
  type InvalidPath,
  type ScannedFile,
  type Snapshot,
} from "../fscache/mod.ts";
import {
  compareResourceVersions,
  formatGvr,
  type Gvr,
  hasSecretKeys,
  isSecretKey,
  objectKey,
  parseGvr,
} from "../k8s/mod.ts";
import {
  type CachedFile,
  type ComponentKeyCache,
  type Owner,
  sameOwner,
  whyNoRoom,
} from "../keycache/mod.ts";
import { ownersAfter, type OwnershipChange } from "../store/mod.ts";

/** How the fs cache differs from the component-key cache. */
export interface SnapshotDiff {
  readonly changes: ReadonlyMap<string, OwnershipChange>;
  /** Groups (`component/directory`) in which something seems gone, but can't be trusted yet. */
  readonly waiting: ReadonlySet<string>;
  /** Those of them in which a backup of yurthub's stands, or above which one does. */
  readonly rewriting: ReadonlySet<string>;
  readonly invalid: readonly InvalidPath[];
  /** Core Secrets, where they are left out. */
  readonly secrets: {
    /** Keys of those that files of the cache stand for, by group. */
    readonly found: ReadonlyMap<string, ReadonlySet<string>>;
    /** Keys of those that were imported before, and are let go. */
    readonly letGo: ReadonlySet<string>;
  };
}

/** A key, and who holds it. */
type Claim = Pick<CachedFile, "key" | "owner">;

/** What of a snapshot is left out. */
export interface DiffRules {
  /**
   * Tells whether a resource is left out, so that its keys stay what they are; of the older layout
   * only an object says what it is.
   */
  readonly isExcluded?: ((path: string, gvr: Gvr) => boolean) | undefined;
  /** Core Secrets are not taken up, and those that are held are let go. */
  readonly leavesOutSecrets?: boolean | undefined;
}

/**
 * Compares a snapshot with the component-key cache: who takes up a key, who lets go of one. Pure.
 *
 * @param cache what is recorded
 * @param snapshot what was found
 * @param rules what is left out
 */
export function diffSnapshot(
  cache: ComponentKeyCache,
  snapshot: Snapshot<CachedFile>,
  { isExcluded, leavesOutSecrets = false }: DiffRules = {},
): SnapshotDiff {
  const changes = new Map<string, { key: string; acquired: Owner[]; released: Owner[] }>();
  const changeOf = (key: string) => {
    let change = changes.get(key);
    if (!change) changes.set(key, change = { key, acquired: [], released: [] });
    return change;
  };
  // Where Secrets are left out, nobody waits for theirs.
  const rewriting = new Set(
    [...snapshot.rewriting].filter((group) => !leavesOutSecrets || !isOfSecret(group)),
  );
  const moving = new Set<string>();
  const invalid: InvalidPath[] = [];

  const gone = new Map<string, CachedFile>();
  /** What files no longer stand for. */
  const left: Claim[] = [];
  const isLeftOut = (path: string, { gvr }: Owner) => {
    const parsed = isExcluded && parseGvr(gvr);
    return parsed !== undefined && isExcluded?.(path, parsed);
  };
  const leave = (path: string, claims: readonly CachedFile[]) => {
    left.push(...claims.filter(({ owner }) => !isLeftOut(path, owner)));
  };
  const { prefix } = cache.identity;
  const isSecret = (key: string) => leavesOutSecrets && isSecretKey(prefix, key);
  const secrets = { found: new Map<string, Set<string>>(), letGo: new Set<string>() };
  const findSecret = (path: string, key: string) => {
    const group = groupOf(path);
    secrets.found.set(group, (secrets.found.get(group) ?? new Set()).add(key));
  };
  for (const [path, file] of cache.files) {
    if (snapshot.files.has(path)) continue;
    const rivals = cache.rivalsOf(path);
    if (snapshot.unchanged.has(path)) {
      if (isSecret(file.key) && !isLeftOut(path, file.owner)) findSecret(path, file.key);
      leave(path, rivals);
      continue;
    }
    const absence = snapshot.absence(path);
    if (absence === "gone") {
      gone.set(path, file);
      leave(path, [file, ...rivals]);
    } else if (isSecret(file.key) || isLeftOut(path, file.owner)) continue;
    else if (absence === "unsettled") moving.add(groupOf(path));
    else if (absence === "rewriting") rewriting.add(groupOf(path));
  }
  for (const file of snapshot.files.values()) {
    const owner = ownerOf(file);
    const key = objectKey(prefix, file.gvr, file);
    leave(
      file.path,
      claimsOf(cache, file.path).filter((claim) =>
        claim.key !== key || !sameOwner(claim.owner, owner)
      ),
    );
    if (isExcluded?.(file.path, file.gvr)) continue;
    if (isSecret(key)) {
      findSecret(file.path, key);
      continue;
    }
    const row = cache.rows.get(key);
    const before = row?.owners.find((other) => sameOwner(other, owner));
    const standing = before && standsElsewhere(cache, snapshot, gone, file.path, key, before);
    if (standing && !mayReplace(owner, before, standing)) continue;
    const change = changeOf(key);
    const twin = change.acquired.findIndex((other) => sameOwner(other, owner));
    const other = change.acquired[twin];
    if (!other) {
      const reason = before
        ? undefined
        : whyNoRoom(ownersAfter(row, { ...change, released: [] }), owner);
      if (reason !== undefined) {
        invalid.push({ path: file.path, reason });
        continue;
      }
      change.acquired.push(owner);
    } else if (better(owner, other)) {
      change.acquired[twin] = owner;
    }
  }
  if (leavesOutSecrets) {
    for (const { path, ...claim } of heldSecrets(cache, snapshot)) {
      if (!isLeftOut(path, claim.owner)) left.push(claim);
    }
  }
  for (const { key, owner } of left) {
    const { acquired, released } = changeOf(key);
    if ([...acquired, ...released].some((other) => sameOwner(other, owner))) continue;
    released.push(owner);
    if (isSecret(key)) secrets.letGo.add(key);
  }
  for (const [key, { acquired, released }] of changes) {
    if (acquired.length + released.length === 0) changes.delete(key);
  }
  return { changes, waiting: rewriting.union(moving), rewriting, invalid, secrets };
}

/**
 * Tells whether a path or group is one of Secrets, as far as its directory says so.
 *
 * @param path below the cache root
 */
export function isOfSecret(path: string): boolean {
  const gvr = parseGvr(canonicalName(path.split("/")[1] ?? ""));
  return gvr !== undefined && hasSecretKeys(gvr);
}

/** Who holds a core Secret, as far as a look covers that, with the path of the file. */
function* heldSecrets(
  cache: ComponentKeyCache,
  snapshot: Snapshot<CachedFile>,
): Generator<Claim & { readonly path: string }> {
  for (const { key, owners } of cache.rows.values()) {
    if (!isSecretKey(cache.identity.prefix, key)) continue;
    for (const owner of owners) {
      // What came by the API has no file: its group says whether it is looked at.
      const path = cache.pathOf(key, owner) ?? `${owner.component}/${owner.gvr}/api`;
      const isSeen = snapshot.files.has(path) || snapshot.unchanged.has(path) ||
        snapshot.absence(path) !== "not-looked-at";
      if (isSeen) yield { key, owner, path };
    }
  }
}

/**
 * The owner that a file stands for.
 *
 * @param file a file that was read
 */
export function ownerOf(file: ScannedFile): Owner {
  const gvr = formatGvr(file.gvr);
  const { component, uid, resourceVersion, hash, stamp, readAtMs } = file;
  const source = file.directory === gvr ? "current" : "older";
  return { component, gvr, source, uid, resourceVersion, hash, stamp, readAtMs };
}

/** How an owner stands on another file: as it was recorded, or bad or missing for now. */
type Standing = "as recorded" | "in doubt";

/** Tells whether an owner stands on another file than this one; undefined if not. */
function standsElsewhere(
  cache: ComponentKeyCache,
  snapshot: Snapshot<CachedFile>,
  gone: ReadonlyMap<string, CachedFile>,
  path: string,
  key: string,
  owner: Owner,
): Standing | undefined {
  const recorded = cache.pathOf(key, owner);
  if (recorded === undefined) return "as recorded";
  // One that was read anew speaks for itself.
  if (recorded === path || gone.has(recorded) || snapshot.files.has(recorded)) return undefined;
  const isSeen = snapshot.unchanged.has(recorded);
  return isSeen || snapshot.absence(recorded) === "not-looked-at" ? "as recorded" : "in doubt";
}

/** A file that is as fresh takes the place of one that nobody can read, or find, for now. */
function mayReplace(owner: Owner, before: Owner, standing: Standing): boolean {
  if (standing === "as recorded") return better(owner, before);
  return compareResourceVersions(owner.resourceVersion, before.resourceVersion) >= 0;
}

/** All owners that stand on a file, as far as is recorded. */
function claimsOf(cache: ComponentKeyCache, path: string): CachedFile[] {
  const file = cache.file(path);
  return file ? [file, ...cache.rivalsOf(path)] : [];
}

/** Of an owner's files in both layouts the fresher one counts, of equal ones that in the current. */
function better(a: Owner, b: Owner): boolean {
  const order = compareResourceVersions(a.resourceVersion, b.resourceVersion);
  return order > 0 || (order === 0 && a.source === "current" && b.source !== "current");
}
