import { ExcludedResources } from "../../lib/fscache/mod.ts";
import type { FsCache } from "../../lib/reconcile/mod.ts";
import { type Resource, RESOURCES } from "./cloud.ts";
import type { Prng } from "./prng.ts";

/** What an agent is told to look at: `--components` and `--exclude-resources`. */
export interface Flags {
  /** Undefined: all. */
  readonly components: ReadonlySet<string> | undefined;
  readonly excluded: readonly Resource[];
  /** As the flag names them. */
  readonly excludedAs: readonly string[];
}

/** Everything is looked at. */
export const ALL: Flags = { components: undefined, excluded: [], excludedAs: [] };

/**
 * Draws flags that leave something out.
 *
 * @param prng draws
 * @param components those that nodes have
 */
export function drawFlags(prng: Prng, components: readonly string[]): Flags {
  const some = new Set(components.filter(() => prng.chance(0.6)));
  const excluded = RESOURCES.filter(() => prng.chance(0.3));
  return {
    components: prng.chance(0.5) ? some : undefined,
    excluded,
    excludedAs: excluded.map(({ gvr, older }) => prng.pick([gvr, older])),
  };
}

/** The flags as lib takes them. */
export function coverageOf({ components, excludedAs }: Flags): FsCache["coverage"] {
  const excludeResources = excludedAs.length > 0 ? new ExcludedResources(excludedAs) : undefined;
  return { components, excludeResources };
}

/** Something is left out. */
export function isNarrow({ components, excluded }: Flags): boolean {
  return components !== undefined || excluded.length > 0;
}

/**
 * Tells whether an owner's file is looked at: resources are left out by their keys, so that two
 * versions go together.
 */
export function isLookedAt(
  { components, excluded }: Flags,
  component: string,
  gvr: string,
): boolean {
  const resource = RESOURCES.find((one) => one.gvr === gvr);
  return components?.has(component) !== false &&
    !excluded.some(({ keyPrefix }) => keyPrefix === resource?.keyPrefix);
}
