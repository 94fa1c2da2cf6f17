import { CacheRootError, namesInRoot } from "../fscache/mod.ts";
import type { ComponentKeyCache, HeldBack } from "../keycache/mod.ts";
import type { ReconcileOptions } from "../reconcile/mod.ts";
import type { Facts } from "./conditions/mod.ts";

/** What is to be seen in the root of the fs cache without a look at any file. */
export interface RootFacts extends Pick<Facts, "rootFailure"> {
  /** Components whose directory is gone, with the deletes that are held back for that. */
  readonly gone: readonly HeldBack[];
}

/**
 * Looks at the root of the fs cache alone: a pass would find much more, and takes its time.
 *
 * @param cache who holds what
 * @param source the fs cache
 */
export function rootFacts(
  cache: ComponentKeyCache,
  { root, fs, coverage }: ReconcileOptions["source"],
): RootFacts {
  let names: ReadonlySet<string>;
  try {
    names = namesInRoot(fs, root);
  } catch (error) {
    if (!(error instanceof CacheRootError)) throw error;
    return { rootFailure: error.message, gone: [] };
  }
  const isGone = (component: string) =>
    !names.has(component) && (coverage.components?.has(component) ?? true);
  const gone = new Map<string, number>();
  for (const { owners, ours } of cache.rows.values()) {
    // What came by the API has no file. A delete counts for the first of those who let go of the key.
    const going = owners.filter(({ component, source }) => source !== "api" && isGone(component))
      .map(({ component }) => component).sort();
    for (const component of going) gone.set(component, gone.get(component) ?? 0);
    const [first] = going;
    if (first === undefined || !ours || going.length < owners.length) continue;
    gone.set(first, (gone.get(first) ?? 0) + 1);
  }
  return { gone: Array.from(gone, ([component, deletes]) => ({ component, deletes })) };
}
