import {
  checkObject,
  contentHash,
  type CustomResource,
  formatGvr,
  type Gvr,
  gvrOf,
  InvalidObjectError,
  isObjectName,
  objectKey,
  type ObjectMeta,
  type ObjectName,
  readObject,
} from "../k8s/mod.ts";
import type { ComponentLimits } from "../fscache/mod.ts";
import { type KeyRow, type Owner, sameOwner } from "../keycache/mod.ts";
import type { ApplyRequest } from "./apply_request.ts";
import type { ApplyResult } from "./apply_result.ts";
import type { StoreContext } from "./context.ts";
import { NotFoundError, TooLargeError, UnknownOutcomeError } from "./errors.ts";
import { fitsOneTxn, txnLimits } from "./txn_limits.ts";

/** One object of a component's, by its place. */
export interface ObjectPlace extends ObjectName {
  /** Whose it is. */
  readonly component: string;
  /** Its resource. */
  readonly gvr: Gvr;
}

/** How an operation on one object judges and applies. */
export interface ObjectOptions extends Pick<ApplyRequest, "rules" | "bytesOf"> {
  /** Says what is known of a custom resource; without it nothing is. */
  customOf?(gvr: Gvr): CustomResource | undefined;
  /** What one component may have; without it there is no limit. */
  readonly limits?: ComponentLimits | undefined;
}

/** An object that the API handed over: its key, and the owner that it makes of the component. */
export interface OwnedObject {
  readonly key: string;
  readonly owner: Owner;
}

/**
 * Reads an object that the API handed over.
 *
 * @param context where it is to go
 * @param component whose it is
 * @param gvr what it should be
 * @param bytes the object as JSON
 * @param options tells of custom resources
 * @throws {InvalidObjectError} if it is no object of this gvr, if it has no resourceVersion, or if
 * no kube-apiserver could read it
 * @throws {TooLargeError} if no request to etcd holds it
 */
export function readOwned(
  context: StoreContext,
  component: string,
  gvr: Gvr,
  bytes: Uint8Array,
  options: Pick<ObjectOptions, "customOf">,
): OwnedObject & ObjectName & Pick<ObjectMeta, "kind"> {
  const meta = readObject(bytes);
  const { uid, resourceVersion, apiVersion, kind, name, namespace } = meta;
  if (resourceVersion === "") throw new InvalidObjectError("has no metadata.resourceVersion");
  const said = gvrOf(gvr.resource, apiVersion);
  if (said?.group !== gvr.group || said.version !== gvr.version) {
    throw new InvalidObjectError(`apiVersion is not that of ${formatGvr(gvr)}`);
  }
  const { prefix } = context.cache.identity;
  if (!isObjectName({ namespace, name }) || !isPlace(gvr, namespace)) {
    throw new InvalidObjectError("metadata.name or metadata.namespace can't stand in a key");
  }
  checkObject(meta, gvr, options.customOf?.(gvr));
  const key = objectKey(prefix, gvr, { namespace, name });
  if (!fitsOneTxn(key, bytes.length, txnLimits(context))) {
    throw new TooLargeError(key);
  }
  const stamp = { size: bytes.length, mtimeMs: 0, ctimeMs: 0, ino: 0 };
  const text = formatGvr(gvr);
  const source = "api";
  const version = { uid, resourceVersion, hash: contentHash(bytes) };
  const owner = { component, gvr: text, source, ...version, stamp, readAtMs: 0 } as const;
  return { key, owner, namespace, name, kind };
}

/** Tells whether a resource can have objects in this namespace (empty: in none). */
export function isPlace({ group, resource }: Gvr, namespace: string): boolean {
  return namespace === "" || group !== "" || resource !== "namespaces";
}

/** The owner that a component is of a key, if it is one. */
export function ownerIn(
  row: KeyRow | undefined,
  component: string,
  gvr: Gvr,
): Owner | undefined {
  return row && ownedIn(row, { component, gvr: formatGvr(gvr) });
}

/**
 * The owner of a row that is the same (component, gvr) as another, if there is one.
 *
 * @param row the key's
 * @param owner the other
 */
export function ownedIn(row: KeyRow, owner: Pick<Owner, "component" | "gvr">): Owner | undefined {
  return row.owners.find((other) => sameOwner(other, owner));
}

/**
 * Finds an object that a component holds.
 *
 * @param context both sides
 * @param place which
 * @throws {NotFoundError} if the component does not hold it
 */
export function heldObject({ cache }: StoreContext, place: ObjectPlace): OwnedObject {
  const key = objectKey(cache.identity.prefix, place.gvr, place);
  const owner = ownerIn(cache.rows.get(key), place.component, place.gvr);
  if (!owner) throw new NotFoundError(`${place.component} does not hold ${key}`);
  return { key, owner };
}

/**
 * The request that puts an object that the API handed over.
 *
 * @param object its key, and its owner
 * @param bytes the object as JSON
 * @param options how to judge and apply
 */
export function putRequest(
  { key, owner }: OwnedObject,
  bytes: Uint8Array,
  options: ObjectOptions,
): ApplyRequest {
  return {
    ...options,
    changes: new Map([[key, { key, acquired: [owner], released: [] }]]),
    full: false,
    asOne: true,
    requireSingleTxn: false,
    bytesOf: (at, who) => who === owner ? bytes : options.bytesOf(at, who),
  };
}

/**
 * Refuses to call done what is not proven done.
 *
 * @param context both sides, as they are now
 * @param applied what was done
 * @throws {UnknownOutcomeError} if a Txn is pending
 * @throws {TooLargeError} if etcd refused an object as too large
 * @throws what it failed with, if nothing is pending
 */
export function expectDone({ cache }: StoreContext, applied: ApplyResult): void {
  const { failure, tooLarge } = applied;
  if (failure) throw cache.intent ? new UnknownOutcomeError(failure) : failure;
  for (const key of tooLarge.keys()) throw new TooLargeError(key);
}

/**
 * Compares an object's name with its place.
 *
 * @throws {InvalidObjectError} if they differ
 */
export function checkPlace(place: ObjectName, { namespace, name }: ObjectName): void {
  if (name !== place.name) throw new InvalidObjectError("metadata.name is not that of its path");
  if (namespace !== place.namespace) {
    throw new InvalidObjectError("metadata.namespace is not that of its path");
  }
}
