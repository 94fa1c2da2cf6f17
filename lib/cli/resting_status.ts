import { cacheStatusOf, etcdStateAfter, type NodeStatus } from "../agent/mod.ts";
import { EtcdError } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { judgeFence, observe } from "../store/mod.ts";
import { fenceWords } from "./fence_words.ts";
import type { Options } from "./options.ts";
import { plural } from "./plural.ts";
import { clock, connectEtcd } from "./session.ts";

/**
 * How a node is doing on which no daemon runs: what its cache holds, and what the fence in etcd
 * says to that. The keys in etcd are not looked at.
 *
 * @param options the flags
 * @param cache the component-key cache
 */
export async function restingStatus(
  options: Options,
  cache: ComponentKeyCache,
): Promise<NodeStatus> {
  const found = cacheStatusOf(cache, options.conflictPolicy);
  const seen = await lookAtEtcd(options, cache);
  const untidy = seen.notReady.length + found.conflicts.length > 0;
  return {
    daemon: false,
    ...found,
    stateDir: options.stateDir,
    ...seen,
    state: seen.state ?? (untidy ? "partial" : "in-step"),
  };
}

/** What etcd says; `state` is set if that is beyond what the next run mends. */
type Seen =
  & Pick<NodeStatus, "notReady" | "etcd">
  & { readonly state?: "etcd-away" | "failing" };

async function lookAtEtcd(options: Options, cache: ComponentKeyCache): Promise<Seen> {
  const endpoints = options.etcdServers;
  const etcd = await connectEtcd(options);
  try {
    const startMs = clock.monotonicMs();
    const { revision, clusterId, fence } = await observe(etcd, cache.identity, []);
    const latencyMs = clock.monotonicMs() - startMs;
    const { kind } = judgeFence(fence, cache.identity.life, cache.fence, cache.intent?.header);
    const notReady: string[] = [];
    if (cache.intent) {
      const keys = plural(cache.intent.header.entries, "key");
      notReady.push(`a Txn of ${keys} is pending; \`edgekeyd --reconcile\` settles it`);
    }
    const lost = kind === "other-life" || kind === "rolled-back";
    if (lost || kind === "reset") notReady.unshift(fenceWords(kind, cache.identity.fenceKey));
    return {
      notReady,
      etcd: { state: "reachable", endpoints, revision, clusterId, latencyMs },
      ...(lost && { state: "failing" }),
    };
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    const state = etcdStateAfter(error);
    return {
      notReady: [error.message],
      etcd: { state, endpoints, revision: "", clusterId: "" },
      state: state === "away" ? "etcd-away" : "failing",
    };
  } finally {
    etcd.close();
  }
}
