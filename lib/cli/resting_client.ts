import { localTransport } from "../agent/api/mod.ts";
import { NodeClient, RestingNode } from "../agent/mod.ts";
import { checkRoom, KeyCacheError, readDaemonMark } from "../keycache/mod.ts";
import { idleService } from "./idle_service.ts";
import { presentable } from "./internal_error.ts";
import { MetCluster } from "./met_cluster.ts";
import type { Options } from "./options.ts";
import type { ProgressBar } from "./progress_bar.ts";
import { reconcileOptionsOf } from "./reconcile_options.ts";
import { connectEtcd, credentialExposures, storeContext, withCache } from "./session.ts";
import { setupOf, surroundingsOf } from "./settings.ts";

/**
 * The way to speak to a node on which no daemon runs: this process answers itself.
 *
 * @param options the flags
 * @param note told what a person should know
 * @param bar draws how far a pass is
 */
export function restingClient(
  options: Options,
  note: (text: string) => void,
  bar?: ProgressBar,
): NodeClient {
  const met = new MetCluster(options, note);
  const session = { options, note, clusterId: () => met.id };
  const node = new RestingNode({
    reconcile: { ...reconcileOptionsOf(options), ...bar },
    rejoin: options.rejoin,
    surroundings: surroundingsOf(options),
    setup: () => setupOf(options),
    idleService: () => idleService(options.stateDir),
    lostDaemon: () => readDaemonMark(options.stateDir),
    stateFailure: () => roomFailure(options.stateDir),
    withCache: (use, work) => withCache(session, use, work),
    exposures: () => credentialExposures(options),
    exposed({ about, reason }) {
      const cure = about.startsWith("/") ? "chmod 600 the file" : "give an https:// endpoint";
      note(`${about}: ${reason}; ${cure}`);
    },
    connect: () => connectEtcd(options),
    store: (cache, etcd) => storeContext(options, cache, etcd, met.home),
  });
  return new NodeClient(localTransport(node, presentable));
}

function roomFailure(stateDir: string): string | undefined {
  try {
    checkRoom(stateDir);
    return undefined;
  } catch (error) {
    if (error instanceof KeyCacheError) return error.message;
    throw error;
  }
}
