import type { CacheWatch, WatchHint } from "../../lib/fscache/mod.ts";
import { canonical, type NodeModel, ROOT } from "./node_model.ts";
import type { World } from "./world.ts";

/** An event is told no later than this. */
const MAX_DELAY_MS = 20;
/** What happens in a directory so soon after it was made may be missed. */
const NEW_MS = 10;
/** Component, resource group and namespace: below these there are no directories. */
const DIRECTORY_LEVELS = 3;

/**
 * Watches a node's cache as inotify does: each event a moment later, none of a root that stands
 * elsewhere, and not every one from a directory that was just made. It can be lost, and events with
 * it.
 *
 * @param world where
 * @param node whose cache
 * @param hint told where to look
 * @throws {Error} if it can't be had
 */
export function watchNode(
  world: World,
  node: NodeModel,
  hint: (hint: WatchHint) => void,
): CacheWatch {
  const { prng, scheduler, marks } = world;
  const { fs } = node;
  if (prng.chance(world.weather.watchLost)) throw new Error("OS file watch limit reached");
  const root = fs.identityOf(ROOT);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const made = new Map<string, number>();
  let open = true;
  const close = () => {
    open = false;
    node.watchers.delete(take);
  };
  const tell = (path: string, hasLeft: boolean) => {
    if (!open) return;
    const segments = path.slice(ROOT.length + 1).split("/");
    const isReplaced = hasLeft && segments.length <= DIRECTORY_LEVELS && fs.isDirectory(path);
    hint(path === ROOT || isReplaced ? { kind: "doubt" } : hintOf(segments));
  };
  const take = (what: string) => {
    const [kind, ...words] = what.split(" ");
    const paths = words.filter((word) => word === ROOT || word.startsWith(`${ROOT}/`));
    const isRoot = paths.includes(ROOT);
    if (!isRoot && fs.identityOf(ROOT) !== root) return;
    if (prng.chance(world.weather.watchLost)) {
      marks.hit("watch lost");
      close();
      return reject(new Error("the watch was lost"));
    }
    for (const path of paths) {
      const parent = path.slice(0, path.lastIndexOf("/"));
      if (kind === "mkdir") made.set(path, world.clock.monotonicMs);
      const isNew = world.clock.monotonicMs - (made.get(parent) ?? -Infinity) < NEW_MS;
      if (isNew && prng.chance(0.5)) marks.hit("watch missed what happened in a new directory");
      else {
        const hasLeft = kind === "rename" || kind === "remove";
        scheduler.alarm(prng.between(0, MAX_DELAY_MS), () => tell(path, hasLeft));
      }
    }
  };
  node.watchers.add(take);
  return {
    ended: promise,
    findReplaced: () => fs.identityOf(ROOT) !== root,
    close() {
      close();
      resolve();
    },
  };
}

function hintOf([component, directory]: readonly string[]): WatchHint {
  if (!component || !directory) return { kind: "all" };
  return { kind: "group", group: `${component}/${canonical(directory)}` };
}
