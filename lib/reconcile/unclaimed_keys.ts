import { type Gvr, parseGvr, resourcePrefix } from "../k8s/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import {
  KEYS_ONLY,
  pagesUnder,
  readVersions,
  restartingIfCompacted,
  type StoreContext,
} from "../store/mod.ts";
import type { FsCache } from "./look.ts";

/** More are not listed: a person is to read them. */
const MAX_UNCLAIMED = 10_000;
/** More are not looked at: each one's value is read, and a pool may hold any number of them. */
const MAX_LOOKED_AT = 100_000;
/** Values in one go; each may be large. */
const PAGE_VALUES = 512;

/** Keys of this cache's resources that nobody here owns. */
export interface UnclaimedKeys {
  /** Those that an importer wrote, in etcd's order. */
  readonly keys: readonly string[];
  /** There may be more: not all were looked at. */
  readonly areCut: boolean;
}

/**
 * Lists the keys that an importer wrote under the resources of this cache and that nobody here
 * owns: other nodes' keys, or what was left behind when the cache was lost. Nothing is written.
 *
 * @param context both sides
 * @param source names resources that are empty now
 * @param isOwned tells of a key whether it is owned here, or about to be
 * @returns {@linkcode MAX_UNCLAIMED} at the most, among the first {@linkcode MAX_LOOKED_AT}
 * @throws {EtcdError} if etcd fails
 */
export async function unclaimedKeys(
  context: StoreContext,
  source: FsCache,
  isOwned: (key: string) => boolean,
): Promise<UnclaimedKeys> {
  const { cache } = context;
  const found: string[] = [];
  let left = MAX_LOOKED_AT;
  for (const prefix of resourcePrefixes(cache, source)) {
    const some = await restartingIfCompacted(() =>
      unclaimedUnder(context, prefix, isOwned, { keys: MAX_UNCLAIMED - found.length, looks: left })
    );
    for (const key of some.keys) found.push(key);
    left -= some.looks;
    if (some.areCut) return { keys: found, areCut: true };
  }
  return { keys: found, areCut: false };
}

/** Those of one resource; no more is kept than what is listed. */
async function unclaimedUnder(
  context: StoreContext,
  prefix: string,
  isOwned: (key: string) => boolean,
  most: { readonly keys: number; readonly looks: number },
): Promise<UnclaimedKeys & { readonly looks: number }> {
  const keys: string[] = [];
  let looks = 0;
  for await (const page of pagesUnder(context.etcd, prefix, KEYS_ONLY)) {
    const unowned = page.map(({ key }) => key.toString()).filter((key) => !isOwned(key));
    for (let at = 0; at < unowned.length; at += PAGE_VALUES) {
      const requests = unowned.slice(at, at + PAGE_VALUES).map((key) => ({
        key,
        expectedBytes: 0,
      }));
      const found = await readVersions(context, requests, true);
      for (const [key, version] of found?.versions ?? []) {
        if (keys.length === most.keys || looks === most.looks) {
          return { keys, looks, areCut: true };
        }
        looks++;
        if (version && version.resourceVersion !== "") keys.push(key);
      }
    }
  }
  return { keys, looks, areCut: false };
}

/** What a person is told of them; undefined if there are none. */
export function unclaimedNote({ keys, areCut }: UnclaimedKeys): string | undefined {
  if (keys.length === 0) {
    return areCut
      ? `of the keys of these resources that belong to no component here, ${MAX_LOOKED_AT} were ` +
        "looked at, which apiservers wrote; there are more"
      : undefined;
  }
  const count = areCut ? `${keys.length} or more` : keys.length;
  return `keys of these resources that belong to no component here: ${count}, other nodes' ` +
    "or left behind; `edgekeyd delete-unclaimed KEY...` deletes those that you name";
}

/** Where the resources are that owners hold, and those that stand empty in the fs cache. */
function resourcePrefixes(cache: ComponentKeyCache, source: FsCache): string[] {
  const prefixes = new Set<string>();
  const add = (gvr: Gvr | undefined) => {
    if (gvr) prefixes.add(resourcePrefix(cache.identity.prefix, gvr));
  };
  for (const resources of cache.byOwner.values()) {
    for (const gvr of resources.keys()) add(parseGvr(gvr));
  }
  for (const component of namesIn(source, "")) {
    for (const directory of namesIn(source, component)) add(parseGvr(directory));
  }
  return [...prefixes].sort();
}

function namesIn({ fs, root }: FsCache, directory: string): string[] {
  try {
    return fs.readDir(`${root}/${directory}`).map(({ name }) => name);
  } catch {
    // No directory, or gone since the scan: then it names no resource.
    return [];
  }
}
