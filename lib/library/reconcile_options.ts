import { CustomResources, DenoFileSystem } from "../fscache/mod.ts";
import { realClock } from "../real_clock.ts";
import { type ReconcileOptions, USUAL_GUARD } from "../reconcile/mod.ts";
import { MAX_REQUEST_BYTES, SETTLE_MS, type StoreSettings } from "./settings.ts";

/** How a run over the fs cache goes about it. */
export interface RunOptions {
  /** Only tell what would be done. */
  readonly dryRun?: boolean;
  /** Go on with deletes that are held back, once. */
  readonly confirmDeletes?: boolean;
  /** If the state directory was lost: take over keys in etcd whose objects the fs cache holds. */
  readonly adopt?: boolean;
}

/**
 * How the fs cache is reconciled, if there is one.
 *
 * @param settings of the store
 */
export function reconcileOptionsOf(settings: StoreSettings): ReconcileOptions | undefined {
  const { cache, conflictPolicy = "fresher", maxRequestBytes = MAX_REQUEST_BYTES } = settings;
  if (!cache) return undefined;
  return {
    source: {
      root: cache.directory,
      fs: new DenoFileSystem(cache.directory),
      coverage: {},
      customs: new CustomResources(),
      leavesOutSecrets: cache.includeSecrets !== true,
      settleMs: cache.settleMs ?? SETTLE_MS,
      maxObjectBytes: maxRequestBytes,
    },
    clock: realClock,
    policy: conflictPolicy,
    ...USUAL_GUARD,
    requireSingleTxn: false,
    adopt: false,
  };
}
