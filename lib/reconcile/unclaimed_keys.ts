import { type Gvr, parseGvr, resourcePrefix } from "../k8s/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { keysUnder, readVersions, type StoreContext } from "../store/mod.ts";
import type { FsCache } from "./look.ts";

/** More are not looked for: a person is to read them. */
const MAX_UNCLAIMED = 10_000;
/** Values in one go; each may be large. */
const PAGE_VALUES = 512;

/**
 * Lists the keys that an importer wrote under the resources of this cache and that nobody here
 * owns: other nodes' keys, or what was left behind when the cache was lost. Nothing is written.
 *
 * @param context both sides
 * @param source names resources that are empty now
 * @param isOwned tells of a key whether it is owned here, or about to be
 * @returns the keys in etcd's order, {@linkcode MAX_UNCLAIMED} at the most
 * @throws {EtcdError} if etcd fails
 */
export async function unclaimedKeys(
  context: StoreContext,
  source: FsCache,
  isOwned: (key: string) => boolean,
): Promise<string[]> {
  const { cache, etcd } = context;
  const unclaimed: string[] = [];
  for (const prefix of resourcePrefixes(cache, source)) {
    const unowned = (await keysUnder(etcd, prefix)).filter((key) => !isOwned(key));
    for (let at = 0; at < unowned.length; at += PAGE_VALUES) {
      const requests = unowned.slice(at, at + PAGE_VALUES).map((key) => ({
        key,
        expectedBytes: 0,
      }));
      const found = await readVersions(context, requests, true);
      for (const [key, version] of found?.versions ?? []) {
        if (version && version.resourceVersion !== "") unclaimed.push(key);
        if (unclaimed.length === MAX_UNCLAIMED) return unclaimed;
      }
    }
  }
  return unclaimed;
}

/** What a person is told of them; undefined if there are none. */
export function unclaimedNote(keys: readonly string[]): string | undefined {
  if (keys.length === 0) return undefined;
  return `keys of these resources that belong to no component here: ${keys.length}, other nodes' ` +
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
