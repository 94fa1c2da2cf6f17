import { compareResourceVersions, isResourceVersion } from "../k8s/mod.ts";
import type { KeyRow } from "../keycache/mod.ts";
import { apply } from "./apply.ts";
import type { ApplyResult } from "./apply_result.ts";
import {
  expectDone,
  type ObjectOptions,
  ownedIn,
  type OwnedObject,
  putRequest,
} from "./component_object.ts";
import { checkRoom } from "./component_room.ts";
import type { StoreContext } from "./context.ts";
import { holds } from "./ownership.ts";

/** Another who writes the same key is met again so many times. */
const MAX_ATTEMPTS = 3;

/**
 * Makes a component an owner of an object: it is put if etcd lacks it, or holds an older version. As
 * with files, what others hold stays theirs, too.
 *
 * @param context both sides; recovery has been done
 * @param object what the component takes up
 * @param bytes the object as JSON
 * @param options how to judge and apply
 * @returns what was done; why it was not, if what is there must stay
 * @throws {ComponentFullError} if the component would hold more than it may
 * @throws what {@linkcode expectDone} throws
 */
export async function takeUpObject(
  context: StoreContext,
  object: OwnedObject,
  bytes: Uint8Array,
  options: ObjectOptions,
): Promise<ApplyResult | { readonly refused: string }> {
  const { key, owner } = object;
  checkRoom(context, owner.component, [[key, owner]], [], options.limits);
  let applied: ApplyResult;
  let joined = 0;
  for (let attempt = 1;; attempt++) {
    applied = await apply(context, putRequest(object, bytes, options));
    joined = Math.max(joined, applied.joined);
    if (isHeld(context, object)) return { ...applied, joined, failure: undefined };
    if (applied.failure || attempt === MAX_ATTEMPTS) break;
  }
  const { cache } = context;
  const isApiservers = cache.rows.get(key)?.resourceVersion === "";
  // As long as a Txn is pending, nobody knows yet.
  if (!cache.intent) await letGo(context, object);
  expectDone(context, applied);
  const conflict = applied.conflicts.get(key) ?? (isApiservers ? OF_AN_APISERVER : undefined);
  if (conflict !== undefined) return { refused: `${conflict}; delete it in etcd first` };
  return { refused: "others keep changing it in etcd; try again" };
}

const OF_AN_APISERVER = "etcd holds a value that an apiserver wrote";

/**
 * Tells whether a component holds an object, and etcd this version of it or a fresher one.
 *
 * @param context both sides, as they are now
 * @param object what was to be put
 */
export function isHeld({ cache }: StoreContext, object: OwnedObject): boolean {
  const row = cache.rows.get(object.key);
  const held = row && ownedIn(row, object.owner);
  return row !== undefined && row.mod !== null && held !== undefined &&
    holds(object.owner, held) && isAsFresh(row, object);
}

function isAsFresh({ resourceVersion }: KeyRow, { owner }: OwnedObject): boolean {
  return isResourceVersion(resourceVersion) &&
    compareResourceVersions(resourceVersion, owner.resourceVersion) >= 0;
}

/** The component does not hold the key after all. */
async function letGo({ cache }: StoreContext, { key, owner }: OwnedObject): Promise<void> {
  const row = cache.rows.get(key);
  const held = row && ownedIn(row, owner);
  if (!held) return;
  const owners = row.owners.filter((other) => other !== held);
  // What may have been put all the same is deleted by the next full pass that finds it.
  const isKept = owners.length > 0 || row.ours;
  await cache.keep(new Map([[key, isKept ? { ...row, owners } : null]]));
}
