import type { Owner } from "../keycache/mod.ts";
import { apply } from "./apply.ts";
import type { ApplyResult } from "./apply_result.ts";
import {
  checkPlace,
  expectDone,
  isProven,
  type ObjectOptions,
  type ObjectPlace,
  ownerIn,
  putRequest,
  readOwned,
} from "./component_object.ts";
import { checkRoom } from "./component_room.ts";
import type { StoreContext } from "./context.ts";
import { KeyExistsError } from "./errors.ts";
import { observe } from "./observe.ts";

/**
 * Puts an object of a component's where there is none yet.
 *
 * @param context both sides; recovery has been done
 * @param place where
 * @param bytes the object as JSON
 * @param options how to judge and apply
 * @throws {InvalidObjectError} if it is not the object that its place names
 * @throws {KeyExistsError} if the component holds it already, or etcd has the key
 * @throws {ComponentFullError} if the component would hold more than it may
 * @throws what {@linkcode expectDone} throws
 */
export async function createObject(
  context: StoreContext,
  place: ObjectPlace,
  bytes: Uint8Array,
  options: ObjectOptions,
): Promise<ApplyResult> {
  const { cache } = context;
  const { component, gvr } = place;
  const object = readOwned(context, component, gvr, bytes, options);
  checkPlace(place, object);
  const { key, owner } = object;
  if (ownerIn(cache.rows.get(key), component, gvr)) throw new KeyExistsError(key);
  checkRoom(context, component, [[key, owner]], [], options.limits);
  const { mods } = await observe(context, [key]);
  if (mods.has(key)) throw new KeyExistsError(key);
  const attempt = () =>
    apply(context, {
      ...putRequest(object, bytes, options),
      // Should another be faster, its value stays.
      rules: { ...options.rules, policy: "skip" },
    });
  let applied = await attempt();
  // Another component's object, as the cache had it, was found missing and is dropped now.
  if (!applied.failure && !cache.rows.has(key)) applied = await attempt();
  if (isProven(context, object)) return { ...applied, failure: undefined };
  // As long as a Txn is pending, nobody knows yet.
  if (!cache.intent) await letGo(context, key, owner);
  expectDone(context, applied);
  throw new KeyExistsError(key);
}

/** Another was faster, or it failed later: the component does not hold the key after all. */
async function letGo({ cache }: StoreContext, key: string, owner: Owner): Promise<void> {
  const row = cache.rows.get(key);
  if (!row?.owners.includes(owner)) return;
  const owners = row.owners.filter((other) => other !== owner);
  // What may have been put all the same is deleted by the next full pass that finds it.
  const isKept = owners.length > 0 || row.ours;
  await cache.keep(new Map([[key, isKept ? { ...row, owners } : null]]));
}
