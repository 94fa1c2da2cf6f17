import { compareResourceVersions } from "../k8s/mod.ts";
import { apply } from "./apply.ts";
import type { ApplyResult } from "./apply_result.ts";
import {
  checkPlace,
  expectDone,
  heldObject,
  isProven,
  type ObjectOptions,
  type ObjectPlace,
  putRequest,
  readOwned,
} from "./component_object.ts";
import { checkRoom } from "./component_room.ts";
import type { StoreContext } from "./context.ts";
import { NotFoundError, UpdateConflictError } from "./errors.ts";

/**
 * Puts a fresher version of an object that a component holds.
 *
 * @param context both sides; recovery has been done
 * @param place which object
 * @param bytes the object as JSON
 * @param options how to judge and apply
 * @throws {InvalidObjectError} if it is not the object that its place names
 * @throws {NotFoundError} if the component does not hold it, or etcd has lost it
 * @throws {UpdateConflictError} if its resourceVersion is not higher than that of what is there
 * @throws {ComponentFullError} if the component would hold more than it may
 * @throws what {@linkcode expectDone} throws
 */
export async function updateObject(
  context: StoreContext,
  place: ObjectPlace,
  bytes: Uint8Array,
  options: ObjectOptions,
): Promise<ApplyResult> {
  const { cache } = context;
  const object = readOwned(context, place.component, place.gvr, bytes, options);
  checkPlace(place, object);
  heldObject(context, place);
  const { key, owner } = object;
  const before = cache.rows.get(key);
  checkRoom(context, place.component, [[key, owner]], [], options.limits);
  const known = before?.mod == null ? "" : before.resourceVersion;
  if (known !== "" && compareResourceVersions(owner.resourceVersion, known) <= 0) {
    throw new UpdateConflictError(key, `resourceVersion ${known} is not older`);
  }
  const applied = await apply(context, { ...putRequest(object, bytes, options), sure: false });
  expectDone(context, applied);
  if (isProven(context, object)) return applied;
  if (!cache.rows.has(key)) throw new NotFoundError(`${key} is no longer in etcd`);
  const reason = applied.conflicts.get(key) ?? "it changed in etcd meanwhile; read it again";
  throw new UpdateConflictError(key, reason);
}
