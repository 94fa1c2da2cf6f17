import type { NodeClient } from "../agent/mod.ts";
import { EdgekeydError } from "../errors.ts";
import { nearestName } from "../nearest_name.ts";

/** At most so many names are told. */
const MAX_NAMES = 20;

/**
 * Refuses a component that never was: most likely a slip, after which nothing would seem to be held.
 *
 * @param node where
 * @param component its name
 * @throws {EdgekeydError} `NotFound` if it holds no key, never did, and is not in the fs cache; with
 * the nearest name, or those that there are
 */
export async function checkKnown(node: NodeClient, component: string): Promise<void> {
  const names = (await node.knownComponents()).map((known) => known.component);
  if (names.includes(component)) return;
  const nearest = nearestName(component, names);
  const shown = names.slice(0, MAX_NAMES).join(", ") + (names.length > MAX_NAMES ? ", …" : "");
  const there = names.length === 0 ? "there is none yet" : `there are ${shown}`;
  throw new EdgekeydError(
    "NotFound",
    `this node never had a component ${component}; ` +
      (nearest === undefined ? there : `did you mean ${nearest}?`),
  );
}
