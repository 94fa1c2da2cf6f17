import type { ApplyResult } from "./apply_result.ts";
import {
  checkPlace,
  type ObjectOptions,
  type ObjectPlace,
  ownerIn,
  readOwned,
} from "./component_object.ts";
import type { StoreContext } from "./context.ts";
import { KeyExistsError } from "./errors.ts";
import { observe } from "./observe.ts";
import { takeUpObject } from "./take_up_object.ts";

/**
 * Makes a component hold an object that it does not hold yet. What others hold is joined: it is put
 * only if it is fresher.
 *
 * @param context both sides; recovery has been done
 * @param place where
 * @param bytes the object as JSON
 * @param options how to judge and apply
 * @throws {InvalidObjectError} if it is not the object that its place names
 * @throws {KeyExistsError} if the component holds it already and etcd has it, or if etcd holds a value
 * that must stay as it is
 * @throws {ComponentFullError} if the component would hold more than it may
 * @throws what {@linkcode expectDone} throws
 */
export async function createObject(
  context: StoreContext,
  place: ObjectPlace,
  bytes: Uint8Array,
  options: ObjectOptions,
): Promise<ApplyResult> {
  const { component, gvr } = place;
  const object = readOwned(context, component, gvr, bytes, options);
  checkPlace(place, object);
  const { key } = object;
  if (ownerIn(context.cache.rows.get(key), component, gvr)) {
    // What etcd has lost is not found by a read either, and may be created anew.
    const { mods } = await observe(context, [key]);
    if (mods.has(key)) throw new KeyExistsError(key);
  }
  const done = await takeUpObject(context, object, bytes, options);
  if ("refused" in done) throw new KeyExistsError(key, done.refused);
  return done;
}
