import { Buffer } from "node:buffer";
import { EtcdError } from "../etcd/mod.ts";
import {
  compareResourceVersions,
  InvalidObjectError,
  isRecord,
  objectKey,
  parseJsonObject,
} from "../k8s/mod.ts";
import type { KeyRow } from "../keycache/mod.ts";
import { apply } from "./apply.ts";
import type { ApplyResult } from "./apply_result.ts";
import {
  checkPlace,
  expectDone,
  heldObject,
  type ObjectOptions,
  type ObjectPlace,
  type OwnedObject,
  ownerIn,
  putRequest,
  readOwned,
} from "./component_object.ts";
import { checkRoom } from "./component_room.ts";
import type { StoreContext } from "./context.ts";
import { NotFoundError, UpdateConflictError } from "./errors.ts";
import { isHeld, takeUpObject } from "./take_up_object.ts";

/**
 * Puts a fresher version of an object that a component holds. One that only others hold is joined,
 * as {@linkcode createObject} does.
 *
 * @param context both sides; recovery has been done
 * @param place which object
 * @param bytes the object as JSON
 * @param options how to judge and apply
 * @throws {InvalidObjectError} if it is not the object that its place names
 * @throws {NotFoundError} if nobody here holds it, or etcd has lost it
 * @throws {UpdateConflictError} if its resourceVersion is not higher than what the component holds,
 * or etcd holds a value that must stay as it is
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
  const { component, gvr } = place;
  const conflict = (what: string) => conflictAt(context, place, what);
  if (isOfVersionZero(bytes) && isTaken(context, place)) {
    throw await conflict("resourceVersion 0 is older than any");
  }
  const object = readOwned(context, component, gvr, bytes, options);
  checkPlace(place, object);
  const { key, owner } = object;
  const row = cache.rows.get(key);
  if (row && row.owners.length > 0 && !ownerIn(row, component, gvr)) {
    const done = await takeUpObject(context, object, bytes, options);
    if ("refused" in done) throw await conflict(done.refused);
    return done;
  }
  heldObject(context, place);
  if (!needsTxn(row, object)) await lookAt(context, key, options);
  const held = ownerIn(cache.rows.get(key), component, gvr);
  if (!held) throw new NotFoundError(`${key} is no longer in etcd`);
  const order = compareResourceVersions(owner.resourceVersion, held.resourceVersion);
  // What failed before, since another was faster, may be put again.
  if (order < 0 || (order === 0 && isHeld(context, { key, owner: held }))) {
    throw await conflict(`resourceVersion ${held.resourceVersion} is not older`);
  }
  checkRoom(context, component, [[key, owner]], [], options.limits);
  const applied = await apply(context, { ...putRequest(object, bytes, options), sure: false });
  expectDone(context, applied);
  if (isHeld(context, object)) return applied;
  if (!cache.rows.has(key)) throw new NotFoundError(`${key} is no longer in etcd`);
  throw await conflict(
    applied.conflicts.get(key) ?? "it changed in etcd meanwhile; read it again",
  );
}

/** Clients write 0 where no version is known: no object has it. */
function isOfVersionZero(bytes: Uint8Array): boolean {
  const { metadata } = parseJsonObject(bytes);
  return isRecord(metadata) && metadata.resourceVersion === "0";
}

/** Tells whether some component here holds an object. */
function isTaken({ cache }: StoreContext, place: ObjectPlace): boolean {
  const row = cache.rows.get(objectKey(cache.identity.prefix, place.gvr, place));
  return row !== undefined && row.owners.length > 0;
}

/** A conflict, with what etcd holds, as far as that can be told. */
async function conflictAt(
  { etcd, cache }: StoreContext,
  place: ObjectPlace,
  what: string,
): Promise<UpdateConflictError> {
  const key = objectKey(cache.identity.prefix, place.gvr, place);
  try {
    const { kvs: [found] } = await etcd.range({ key: Buffer.from(key) });
    if (found) parseJsonObject(found.value);
    return new UpdateConflictError(key, what, found?.value);
  } catch (error) {
    if (!(error instanceof EtcdError) && !(error instanceof InvalidObjectError)) throw error;
    return new UpdateConflictError(key, what);
  }
}

/** A Txn's guard tells whether the key is still there; where none is sent, somebody has to look. */
function needsTxn(row: KeyRow | undefined, { owner }: OwnedObject): boolean {
  return row !== undefined &&
    (row.mod === null || compareResourceVersions(owner.resourceVersion, row.resourceVersion) > 0);
}

/** Looks at a key in etcd, and notes what is there. */
async function lookAt(context: StoreContext, key: string, options: ObjectOptions): Promise<void> {
  const looked = await apply(context, {
    ...options,
    changes: new Map(),
    besides: new Set([key]),
    full: false,
    asOne: true,
    requireSingleTxn: false,
  });
  expectDone(context, looked);
}
