import { EdgekeydError } from "../errors.ts";
import { builtinResource, parseGvr } from "../k8s/mod.ts";
import type { FileSystem } from "../fscache/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { nearestName } from "../nearest_name.ts";
import { checkKnown, knownNames } from "./known_component.ts";

/** At most so many names are told. */
const MAX_NAMES = 20;

/**
 * Refuses a question for the keys of what never was: most likely a slip, after which nothing would
 * seem to be held.
 *
 * @param asked the component and, if it was asked for, a resource, neither of which holds a key
 * @param cache what is recorded
 * @param source the fs cache, for components that stand in it
 * @throws {EdgekeydError} `NotFound` for a component that never was, or a resource that it does not
 * hold and Kubernetes does not have; with the nearest names
 */
export function checkHeld(
  { component, gvr }: { readonly component: string; readonly gvr?: string | undefined },
  cache: ComponentKeyCache,
  source: { readonly fs: FileSystem; readonly root: string },
): void {
  checkKnown(component, knownNames(cache.components, source));
  if (gvr === undefined) return;
  checkResource(component, gvr, [...cache.byOwner.get(component)?.keys() ?? []].sort());
}

/**
 * Refuses a resource that a component does not hold and Kubernetes does not have: most likely a
 * slip, after which nothing would seem to be held.
 *
 * @param component which holds no key of it
 * @param gvr what was written, as in `pods.v1.core`
 * @param held the resources that the component holds, in order
 * @throws {EdgekeydError} `NotFound` then; with the nearest of those that it holds, or with all
 */
export function checkResource(component: string, gvr: string, held: readonly string[]): void {
  if (isBuiltin(gvr)) return;
  const nearest = meantBy(gvr.slice(0, MAX_LENGTH).toLowerCase(), held);
  const more = held.length > MAX_NAMES ? ", …" : "";
  const all = held.length === 0
    ? "it holds no key at all"
    : `it holds keys of ${held.slice(0, MAX_NAMES).join(", ")}${more}`;
  throw new EdgekeydError(
    "NotFound",
    `${component} holds no key of a resource ${gvr.slice(0, MAX_LENGTH)}; ` +
      (nearest === undefined ? all : `did you mean ${nearest}?`),
  );
}

/** No resource's name is longer. */
const MAX_LENGTH = 255;

/** Kubernetes has it, and so it is no slip that a component holds none. */
function isBuiltin(text: string): boolean {
  const gvr = parseGvr(text);
  return gvr !== undefined &&
    builtinResource(gvr.group, gvr.resource)?.versions.has(gvr.version) === true;
}

/** The one whose beginning was written, or nearly so; else the one that is nearest as a whole. */
function meantBy(text: string, held: readonly string[]): string | undefined {
  const whole = held.find((gvr) => gvr.startsWith(`${text}.`)) ?? nearestName(text, held);
  if (whole !== undefined || text.includes(".")) return whole;
  const resource = nearestName(text, held.map((gvr) => gvr.slice(0, gvr.indexOf("."))));
  return resource === undefined ? undefined : held.find((gvr) => gvr.startsWith(`${resource}.`));
}
