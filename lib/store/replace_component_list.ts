import { EdgekeydError } from "../errors.ts";
import { compareResourceVersions, formatGvr, type Gvr, nameInKey } from "../k8s/mod.ts";
import type { KeyRow, Owner } from "../keycache/mod.ts";
import { apply } from "./apply.ts";
import type { ApplyResult } from "./apply_result.ts";
import { type ObjectOptions, readOwned } from "./component_object.ts";
import { checkListRoom, checkRoom } from "./component_room.ts";
import type { StoreContext } from "./context.ts";
import { listComponentKeys } from "./list_component_keys.ts";
import { SingleTxnError, SingleTxnListError } from "./errors.ts";
import type { OwnershipChange } from "./ownership.ts";

/** The new list of one resource of a component. */
export interface ComponentList {
  /** Whose it is. */
  readonly component: string;
  /** Its resource. */
  readonly gvr: Gvr;
  /** Only this namespace is replaced; undefined: all of them. */
  readonly namespace: string | undefined;
  /** Each object as JSON. */
  readonly objects: readonly Uint8Array[];
}

/** The list names the same object twice, or one of another namespace. */
export class InvalidListError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "InvalidListError";
  /**
   * Makes it; its code is `InvalidContent`.
   *
   * @param reason what is wrong with it, without any content
   */
  constructor(reason: string) {
    super("InvalidContent", reason);
  }
}

/**
 * Replaces a component's list: keys that it no longer names are let go (and deleted if nobody
 * else holds them), the others put as far as they changed, all in one Txn if they fit one.
 *
 * @param context both sides; recovery has been done
 * @param list the new list
 * @param options how to judge and apply; `bytesOf` is asked for what other owners hold;
 * `requireSingleTxn`: a list that fits no single Txn fails, before anything is written
 * @throws {InvalidObjectError} if an object is not one of this gvr, or has no resourceVersion
 * @throws {TooLargeError} if an object fits no request
 * @throws {ComponentFullError} if the component would hold more than it may
 * @throws {InvalidListError} if two are the same or of two kinds, or one is of another namespace
 * @returns what was done, and what failed
 */
export async function replaceComponentList(
  context: StoreContext,
  list: ComponentList,
  options:
    & Pick<ObjectOptions, "rules" | "customOf" | "limits">
    & Partial<Pick<ObjectOptions, "bytesOf">>
    & { readonly requireSingleTxn: boolean },
): Promise<ApplyResult> {
  const { cache } = context;
  const { component, namespace } = list;
  const { prefix } = cache.identity;
  const gvr = formatGvr(list.gvr);
  const values = new Map<string, Uint8Array>();
  const changes = new Map<string, OwnershipChange>();
  let kind: string | undefined;
  for (const bytes of list.objects) {
    const { key, owner, ...name } = readOwned(context, component, list.gvr, bytes, options);
    kind ??= name.kind;
    if (name.kind !== kind) throw new InvalidListError("its objects are of two kinds");
    if (namespace !== undefined && name.namespace !== namespace) {
      throw new InvalidListError(`an object is not in namespace ${namespace}`);
    }
    if (values.has(key)) throw new InvalidListError(`${key} stands in the list twice`);
    values.set(key, bytes);
    changes.set(key, { key, acquired: [owner], released: [] });
  }
  for (const key of listComponentKeys(cache, component, gvr)) {
    const name = nameInKey(prefix, list.gvr, key);
    if (changes.has(key) || (namespace !== undefined && name?.namespace !== namespace)) continue;
    const owners = cache.rows.get(key)?.owners ?? [];
    const released = owners.filter((owner) => owner.component === component && owner.gvr === gvr);
    changes.set(key, { key, acquired: [], released });
  }
  const acquired = [...changes].flatMap(([key, change]) =>
    change.acquired.map((owner) => [key, owner] as const)
  );
  const released = [...changes.values()].flatMap((change) => change.released);
  checkRoom(context, component, acquired, released, options.limits);
  const fact = { component, gvr, namespace: namespace ?? "" };
  checkListRoom(context, fact, options.limits);
  const applied = await apply(context, {
    ...options,
    changes,
    full: false,
    asOne: true,
    // What else a reset etcd lacks is put along, and may take as many Txns as it needs.
    requireSingleTxn: options.requireSingleTxn && `${component}/${gvr}`,
    bytesOf: (key, owner) =>
      changes.get(key)?.acquired.includes(owner) ? values.get(key) : options.bytesOf?.(key, owner),
  });
  if (applied.failure instanceof SingleTxnError) {
    return { ...applied, failure: new SingleTxnListError(applied.failure) };
  }
  if (applied.failure) return applied;
  await cache.noteList(fact);
  const conflicts = new Map(applied.conflicts);
  for (const [key, { acquired: [owner] }] of changes) {
    if (!owner || applied.tooLarge.has(key) || conflicts.has(key)) continue;
    if (applied.leftOut.has(key)) conflicts.set(key, BEING_WRITTEN);
    else if (isBehind(cache.rows.get(key), owner)) conflicts.set(key, CHANGED_MEANWHILE);
  }
  return { ...applied, conflicts };
}

const BEING_WRITTEN =
  "another component's file of it is fresher, and is being written; replace the list again";
const CHANGED_MEANWHILE = "changed in etcd by another meanwhile; replace the list again";

/** Another changed the key while it was put: what is there now has an older version. */
function isBehind(row: KeyRow | undefined, owner: Owner): boolean {
  return !row || row.resourceVersion === "" ||
    compareResourceVersions(row.resourceVersion, owner.resourceVersion) < 0;
}
