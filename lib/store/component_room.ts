import { type ComponentLimits, overLimit } from "../fscache/mod.ts";
import { type ListFact, type Owner, sameOwner, whyNoRoom } from "../keycache/mod.ts";
import type { StoreContext } from "./context.ts";
import { ComponentFullError } from "./errors.ts";

/**
 * Refuses what would give a component more than it may have. What it has already may change, as long
 * as it does not grow.
 *
 * @param context both sides
 * @param component its name
 * @param acquired what it is to hold, by object key
 * @param released what it lets go of meanwhile
 * @param limits what it may have; undefined: there is no limit
 * @throws {ComponentFullError} if there is no room
 */
export function checkRoom(
  { cache }: Pick<StoreContext, "cache">,
  component: string,
  acquired: Iterable<readonly [key: string, owner: Owner]>,
  released: readonly Owner[],
  limits: ComponentLimits | undefined,
): void {
  let keys = -released.length;
  let bytes = -released.reduce((sum, { stamp }) => sum + stamp.size, 0);
  for (const [key, owner] of acquired) {
    const owners = cache.rows.get(key)?.owners ?? [];
    const before = owners.find((other) => sameOwner(other, owner));
    const reason = before ? undefined : whyNoRoom(owners, owner);
    if (reason !== undefined) throw new ComponentFullError(`${key}: ${reason}`);
    if (!before) keys++;
    bytes += owner.stamp.size - (before?.stamp.size ?? 0);
  }
  if (!limits) return;
  const held = cache.heldBy(component);
  const isOver = (growth: number, has: number, max: number) => growth > 0 && has + growth > max;
  if (isOver(keys, held.keys, limits.maxKeys)) {
    throw new ComponentFullError(overLimit(component, "maxKeys", limits));
  }
  if (isOver(bytes, held.bytes, limits.maxBytes)) {
    throw new ComponentFullError(overLimit(component, "maxBytes", limits));
  }
}

/**
 * Refuses one more list of a component that was given as many as it may have keys: be they all
 * empty, each is written down.
 *
 * @param context both sides
 * @param fact the list
 * @param limits what the component may have; undefined: there is no limit
 * @throws {ComponentFullError} if there is no room
 */
export function checkListRoom(
  { cache: { lists } }: Pick<StoreContext, "cache">,
  fact: ListFact,
  limits: ComponentLimits | undefined,
): void {
  const { component } = fact;
  if (!limits || lists.has(fact) || lists.of(component).length < limits.maxKeys) return;
  throw new ComponentFullError(overLimit(component, "maxKeys", limits));
}
