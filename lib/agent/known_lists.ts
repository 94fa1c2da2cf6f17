import { EdgekeydError } from "../errors.ts";
import { type FileSystem, groupDirectories, parseDirectory } from "../fscache/mod.ts";
import { formatGvr } from "../k8s/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { keysOfList, type ListPlace } from "../store/mod.ts";

/** The fs cache, as far as it has to be listed. */
interface Source {
  readonly fs: FileSystem;
  readonly root: string;
}

/**
 * Refuses a list that a component never had. One that is empty is a fact: it was put so, or its
 * directory stands in the fs cache.
 *
 * @param place which list
 * @param cache what is recorded
 * @param source the fs cache
 * @throws {EdgekeydError} `NotFound` then
 */
export function checkListed(
  place: ListPlace,
  cache: ComponentKeyCache,
  { fs, root }: Source,
): void {
  const { component, namespace = "" } = place;
  const gvr = formatGvr(place.gvr);
  if (cache.lists.covers({ component, gvr, namespace })) return;
  if (keysOfList(cache, place).length > 0) return;
  const directories = groupDirectories(fs, root, component);
  if (directories.has(gvr) || directories.has(place.gvr.resource)) return;
  const where = namespace === "" ? "" : ` in namespace ${namespace}`;
  throw new EdgekeydError("NotFound", `${component} never had a list of ${gvr}${where}`);
}

/**
 * Resources of which a component has a list, also those of which it holds no key.
 *
 * @param component whose
 * @param cache what is recorded
 * @param source the fs cache
 * @returns as in `pods.v1.core`
 */
export function listedResources(
  component: string,
  cache: ComponentKeyCache,
  { fs, root }: Source,
): string[] {
  const found = [...groupDirectories(fs, root, component)].flatMap((name) => {
    const gvr = parseDirectory(name)?.gvr;
    return gvr ? [formatGvr(gvr)] : [];
  });
  return [...found, ...cache.lists.resourcesOf(component)];
}
