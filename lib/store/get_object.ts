import { Buffer } from "node:buffer";
import { heldObject, type ObjectPlace } from "./component_object.ts";
import type { StoreContext } from "./context.ts";
import { NotFoundError } from "./errors.ts";

/**
 * Reads an object that a component holds from etcd.
 *
 * @param context both sides
 * @param place which object
 * @returns the value as it is; JSON, unless an apiserver wrote it
 * @throws {NotFoundError} if the component does not hold it, or etcd has lost it
 * @throws {EtcdError} if etcd fails
 */
export async function getObject(context: StoreContext, place: ObjectPlace): Promise<Uint8Array> {
  const { key } = heldObject(context, place);
  const { kvs: [found] } = await context.etcd.range({ key: Buffer.from(key) });
  if (!found) throw new NotFoundError(`${key} is no longer in etcd`);
  return found.value;
}
