import { customResource } from "../fscache/mod.ts";
import { isBuiltinGroup } from "../k8s/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { fileValues, type FsCache } from "../reconcile/mod.ts";
import type { ConflictPolicy, ObjectOptions } from "../store/mod.ts";

/**
 * How an operation on a component's objects judges and applies.
 *
 * @param cache the component-key cache, as it is now
 * @param source the fs cache, if there is one
 * @param policy what becomes of values that another importer wrote
 */
export function objectOptionsOf(
  cache: ComponentKeyCache,
  source: FsCache | undefined,
  policy: ConflictPolicy,
): ObjectOptions {
  const rules = { policy, adopting: cache.fence.adopting };
  if (!source) return { rules, bytesOf: () => undefined };
  return {
    rules,
    bytesOf: fileValues(source.root, source.fs, cache, undefined),
    limits: source.limits,
    customOf: (gvr) => isBuiltinGroup(gvr.group) ? undefined : customResource(source, gvr),
  };
}
