import { CustomResources, DenoFileSystem, ExcludedResources } from "../fscache/mod.ts";
import type { ReconcileOptions } from "../reconcile/mod.ts";
import type { Options } from "./options.ts";
import { clock } from "./session.ts";

/** How to reconcile, as the flags say it. */
export function reconcileOptionsOf(options: Options): ReconcileOptions {
  return {
    source: {
      root: options.cacheDir,
      fs: new DenoFileSystem(options.cacheDir),
      coverage: {
        components: options.components,
        excludeResources: options.excludeResources &&
          new ExcludedResources(options.excludeResources),
      },
      customs: new CustomResources(),
      leavesOutSecrets: !options.includeSecrets,
      settleMs: options.settleTimeMs,
      maxObjectBytes: options.maxObjectBytes,
      limits: { maxKeys: options.maxComponentKeys, maxBytes: options.maxComponentBytes },
    },
    clock,
    policy: options.conflictPolicy,
    maxDeletePercent: options.maxDeletePercent,
    confirmDeletes: options.confirmDeletes,
    requireSingleTxn: options.requireSingleTxn,
    adopt: options.adopt,
  };
}
