import { compareResourceVersions, formatGvr, nameInKey } from "../k8s/mod.ts";
import type { KeyRow, Owner } from "../keycache/mod.ts";
import { apply } from "./apply.ts";
import type { ApplyResult } from "./apply_result.ts";
import type { ObjectOptions } from "./component_object.ts";
import { checkListRoom, checkRoom } from "./component_room.ts";
import type { StoreContext } from "./context.ts";
import { listComponentKeys } from "./list_component_keys.ts";
import { type ComponentList, readItems } from "./list_items.ts";
import { SingleTxnError, SingleTxnListError } from "./errors.ts";
import { notedWith } from "./noted_with.ts";
import type { OwnershipChange } from "./ownership.ts";

/**
 * Replaces a component's list: keys that it no longer names are let go (and deleted if nobody
 * else holds them), the others put as far as they changed, all in one Txn if they fit one.
 *
 * @param context both sides; recovery has been done
 * @param list the new list
 * @param options how to judge and apply; `bytesOf` is asked for what other owners hold;
 * `requireSingleTxn`: a list that fits no single Txn fails, before anything is written
 * @throws {TooLargeError} if an object fits no request
 * @throws {ComponentFullError} if the component would hold more than it may
 * @throws {InvalidListError} if an object is not one of this gvr, two are the same or of two kinds,
 * or one is of another namespace
 * @returns what was done, and what failed; objects without resourceVersion are among the conflicts,
 * and what the component holds of them stays as it is
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
  const { owned, passedOver } = readItems(context, list, options);
  const changes = new Map(
    Array.from(owned, ([key, { owner }]): [string, OwnershipChange] => [
      key,
      { key, acquired: [owner], released: [] },
    ]),
  );
  for (const key of listComponentKeys(cache, component, gvr)) {
    const name = nameInKey(prefix, list.gvr, key);
    // What was passed over is there all the same.
    if (changes.has(key) || passedOver.has(key)) continue;
    if (namespace !== undefined && name?.namespace !== namespace) continue;
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
  const replaced = await apply(context, {
    ...options,
    changes,
    full: false,
    asOne: true,
    // What else a reset etcd lacks is put along, and may take as many Txns as it needs.
    requireSingleTxn: options.requireSingleTxn && `${component}/${gvr}`,
    bytesOf: (key, owner) =>
      changes.get(key)?.acquired.includes(owner)
        ? owned.get(key)?.bytes
        : options.bytesOf?.(key, owner),
  });
  if (replaced.failure instanceof SingleTxnError) {
    return { ...replaced, failure: new SingleTxnListError(replaced.failure) };
  }
  const applied = await notedWith(replaced, () => cache.noteList(fact));
  if (applied.failure) return applied;
  const conflicts = new Map([...applied.conflicts, ...passedOver]);
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
