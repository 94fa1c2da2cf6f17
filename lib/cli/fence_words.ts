import { FenceError } from "../store/mod.ts";

/**
 * What a fence that is not in step means for a person, and what to do.
 *
 * @param kind as judged: what {@linkcode judgeFence} tells, but `in-step`
 * @param fenceKey where the fence is
 */
export function fenceWords(kind: string, fenceKey: string): string {
  if (kind === "reset") {
    return "etcd came back empty or older than the cache; `edgekeyd --reconcile` puts what is missing";
  }
  if (kind === "other-life" || kind === "rolled-back") {
    return new FenceError(kind, fenceKey).message;
  }
  return "a Txn is pending; `edgekeyd --reconcile` settles it";
}
