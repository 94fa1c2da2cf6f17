import { CustomResources, DenoFileSystem } from "../fscache/mod.ts";
import type { ReconcileOptions } from "../reconcile/mod.ts";
import type { Options } from "./options.ts";
import { clock } from "./session.ts";

/** How to reconcile, as the flags say it. */
export function reconcileOptionsOf(options: Options): ReconcileOptions {
  return {
    source: {
      root: options.cacheDir,
      fs: new DenoFileSystem(),
      coverage: {
        components: options.components,
        excludeResources: options.excludeResources && excluder(options.excludeResources),
      },
      customs: new CustomResources(),
      settleMs: options.settleTimeMs,
      maxObjectBytes: options.maxObjectBytes,
    },
    clock,
    policy: options.conflictPolicy,
    maxDeletePercent: options.maxDeletePercent,
    confirmDeletes: options.confirmDeletes,
    requireSingleTxn: options.requireSingleTxn,
    adopt: options.adopt,
  };
}

/**
 * Takes `leases` for every group and version, `leases.coordination.k8s.io` as kubectl writes it for
 * every version of one group, and `leases.v1.coordination.k8s.io` for one.
 */
function excluder(resources: ReadonlySet<string>): (directory: string) => boolean {
  return (directory) => {
    const [resource = directory, , ...group] = directory.split(".");
    return [directory, resource, [resource, ...group].join(".")].some((it) => resources.has(it));
  };
}
