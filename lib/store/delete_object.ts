import { apply } from "./apply.ts";
import type { ApplyResult } from "./apply_result.ts";
import {
  expectDone,
  heldObject,
  type ObjectOptions,
  type ObjectPlace,
} from "./component_object.ts";
import type { StoreContext } from "./context.ts";

/**
 * Lets an object of a component's go; it is deleted unless another owner holds it, or another
 * changed it in etcd.
 *
 * @param context both sides; recovery has been done
 * @param place which object
 * @param options how to judge and apply
 * @throws {NotFoundError} if the component does not hold it
 * @throws what {@linkcode expectDone} throws
 */
export async function deleteObject(
  context: StoreContext,
  place: ObjectPlace,
  options: ObjectOptions,
): Promise<ApplyResult> {
  const { key, owner } = heldObject(context, place);
  const applied = await apply(context, {
    ...options,
    changes: new Map([[key, { key, acquired: [], released: [owner] }]]),
    full: false,
    asOne: true,
    requireSingleTxn: false,
  });
  expectDone(context, applied);
  return applied;
}
