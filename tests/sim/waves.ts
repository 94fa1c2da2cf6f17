import { keyOfPlace } from "./cloud.ts";
import { type NodeModel, ROOT } from "./node_model.ts";
import type { World } from "./world.ts";
import { type CachePlan, fileOf, writeInPlace } from "./yurthub.ts";

/** The least that a wave takes, as long as so many files are left. */
const LEAST = 5;
/** So many deletes are never held back if nothing else went. */
const MOST = 10;

/**
 * Fills the fs cache of a node if it is empty; else takes some files out of it, all at once.
 *
 * @param world draws which
 * @param node whose
 * @param plan how it is laid out; only its first component has files
 */
export function fillOrRemoveWave(
  { prng, cloud }: World,
  { fs }: NodeModel,
  { components: [component = ""], resources, directoryOf, padding }: CachePlan,
): void {
  if (fs.has(`${ROOT}/${component}`)) {
    const files = fs.walk(ROOT).filter(({ kind }) => kind === "file").map(({ path }) => path);
    for (let left = prng.between(LEAST, MOST); left > 0 && files.length > 0; left--) {
      const [path = ""] = files.splice(prng.below(files.length), 1);
      fs.remove(path);
    }
    return;
  }
  for (const place of resources.flatMap((resource) => cloud.places(resource))) {
    const version = cloud.latest(keyOfPlace(place));
    const directory = directoryOf(component, place.resource);
    const writer = writeInPlace(fs, fileOf(component, directory, place, version, padding()));
    while (!writer.next().done);
  }
}
