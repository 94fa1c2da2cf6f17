import type { StoreContext } from "./context.ts";
import { apply } from "./apply.ts";
import type { ApplyRequest } from "./apply_request.ts";
import type { ApplyResult } from "./apply_result.ts";
import { listComponentKeys } from "./list_component_keys.ts";
import { notedWith } from "./noted_with.ts";
import type { OwnershipChange } from "./ownership.ts";

/**
 * Lets a component go: keys that nobody else holds are deleted, all in one Txn if they fit one;
 * shared keys stay with their other owners. An operator asked for it by name, so it is no bulk
 * delete.
 *
 * @param context both sides; recovery has been done
 * @param component whose keys; one that holds none is no error
 * @param options how to judge and apply
 * @returns what was done, and what failed
 */
export async function deleteComponentResources(
  context: StoreContext,
  component: string,
  options: Omit<ApplyRequest, "changes" | "full" | "asOne" | "windows">,
): Promise<ApplyResult> {
  const changes = new Map<string, OwnershipChange>();
  for (const key of listComponentKeys(context.cache, component)) {
    const owners = context.cache.rows.get(key)?.owners ?? [];
    const released = owners.filter((owner) => owner.component === component);
    changes.set(key, { key, acquired: [], released });
  }
  const applied = await apply(context, {
    ...options,
    changes,
    full: false,
    asOne: true,
    // An operator took it away: no other component's delete of the same object is on its way. What
    // an owner of the API's holds may be fresher than a file, and its bytes are nowhere else.
    settled: (key, owners) => changes.has(key) && owners.every(({ source }) => source !== "api"),
  });
  return await notedWith(applied, () => context.cache.forgetLists(component));
}
