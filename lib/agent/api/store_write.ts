import { ComponentClashError, customResource, namesInRoot } from "../../fscache/mod.ts";
import { isBuiltinGroup } from "../../k8s/mod.ts";
import { fileValues } from "../../reconcile/mod.ts";
import type { ApplyResult, ObjectOptions, ObjectPlace, StoreContext } from "../../store/mod.ts";
import type { ErrorCode } from "../error_codes.ts";
import type { Node } from "../node.ts";
import { type Answers, ref } from "../schemas.ts";
import type { AskedWrite } from "../write_log.ts";
import { PLACE_ERRORS } from "./places.ts";
import type { Call } from "./route.ts";
import { written } from "./written.ts";

/** What a write is answered with. */
export const WRITTEN = { description: "What was done.", schema: ref("Written") };
/** Errors of what asks etcd. */
export const READ_ERRORS: readonly ErrorCode[] = ["NotReady", "Unknown"];
/** Errors of a write for a component. */
export const WRITE_ERRORS: readonly ErrorCode[] = [
  ...READ_ERRORS,
  ...PLACE_ERRORS,
  "ComponentClash",
];

/**
 * Has a write done for a component that the fs cache does not have.
 *
 * @param place what it is about
 * @param call the request
 * @param work what to do with cache and etcd, and how
 * @returns what was done
 * @throws {ComponentClashError} if the fs cache has the component
 */
export type StoreWrite = (
  place: Pick<ObjectPlace, "component"> & Partial<ObjectPlace>,
  call: Call,
  work: (context: StoreContext, options: ObjectOptions) => Promise<ApplyResult>,
) => Promise<Answers["Written"]>;

/**
 * Makes the way in which the store's routes write.
 *
 * @param node the one writer
 */
export function storeWriter(node: Node): StoreWrite {
  const { source, policy } = node.reconcileOptions;
  const optionsOf = ({ cache }: StoreContext): ObjectOptions => ({
    rules: { policy, adopting: cache.fence.adopting },
    bytesOf: fileValues(source.root, source.fs, cache, undefined),
    limits: source.limits,
    customOf: (gvr) => isBuiltinGroup(gvr.group) ? undefined : customResource(source, gvr),
  });
  return async (place, { id: operation, signal }, work) => {
    const { component } = place;
    const object = objectIn(place);
    const asked = { operation, component, ...(object && { object }) };
    const applied = await node.write(asked, async (context) => {
      if (namesInRoot(source.fs, source.root).has(component)) {
        throw new ComponentClashError(source.root, component);
      }
      return await work(context, optionsOf(context));
    }, signal);
    return written(applied);
  };
}

/** The object that a place names, if it is one's. */
function objectIn({ gvr, namespace, name }: Partial<ObjectPlace>): AskedWrite["object"] {
  const isObject = gvr !== undefined && namespace !== undefined && name !== undefined;
  return isObject ? { gvr, namespace, name } : undefined;
}
