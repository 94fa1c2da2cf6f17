import { checked } from "../../lib/etcd/checked.ts";
import { ComponentKeyCache, type KvLimits } from "../../lib/keycache/mod.ts";
import type { ReconcileOptions } from "../../lib/reconcile/mod.ts";
import type { StoreContext } from "../../lib/store/mod.ts";
import type { Etcd } from "../../lib/etcd/mod.ts";
import type { AgentProcess } from "./agent_process.ts";
import { FaultyEtcd, type Network } from "./faulty_etcd.ts";
import { coverageOf } from "./flags.ts";
import type { Mutation } from "./mutation.ts";
import { ROOT } from "./node_model.ts";
import { TornKv } from "./torn_kv.ts";
import type { World } from "./world.ts";

/** How every agent of a run is set up. */
export interface AgentSetup {
  readonly network: Network;
  readonly kvLimits: KvLimits | undefined;
  readonly maxTxnOps: number;
  readonly requestBytes: number;
  readonly maxDeletePercent: number;
  readonly settleMs: number;
  /** How often a daemon looks for drift. */
  readonly resyncIntervalMs: number;
  /** Breaks a rule on purpose. */
  readonly mutation: Mutation | undefined;
}

/** Opens a process's component-key cache. */
export async function openCache(
  world: World,
  { kvLimits, mutation }: AgentSetup,
  process: AgentProcess,
): Promise<ComponentKeyCache> {
  const { lineage } = process;
  const torn = new TornKv(world, process, kvLimits);
  const cache = await ComponentKeyCache.load(mutation?.kv?.(torn, lineage, world) ?? torn, {
    nodeName: lineage.node.name,
    prefix: "/registry",
    newLife: () => world.prng.hex(),
    nowMs: () => process.clock.steadyMs(),
  });
  return mutation?.cache?.(cache, world) ?? cache;
}

/** Makes a process's etcd client. */
export function connect(
  world: World,
  { network, mutation }: AgentSetup,
  process: AgentProcess,
): Etcd {
  const faulty = new FaultyEtcd(world, network, process);
  return checked(mutation?.etcd?.(faulty, process.lineage, world) ?? faulty);
}

/** What a process's store operations work with. */
export function contextOf(
  world: World,
  { maxTxnOps, requestBytes, network }: AgentSetup,
  { clock }: AgentProcess,
  cache: ComponentKeyCache,
  etcd: Etcd,
): StoreContext {
  const noted: Etcd = {
    range(request) {
      network.ofOperations.add(request);
      return etcd.range(request);
    },
    rangeAll(requests) {
      for (const request of requests) network.ofOperations.add(request);
      return etcd.rangeAll(requests);
    },
    txn: (request, bytes) => etcd.txn(request, bytes),
    hasNoSpaceAlarm: () => etcd.hasNoSpaceAlarm(),
    watch: (request, told) => etcd.watch(request, told),
    close: () => etcd.close(),
  };
  return { etcd: noted, cache, maxTxnOps, requestBytes, random: () => world.prng.hex(), clock };
}

/** How a process reconciles, unless it is told otherwise. */
export function reconcileOptions(
  world: World,
  { settleMs, maxDeletePercent, mutation }: AgentSetup,
  { lineage: { node, name }, flags }: AgentProcess,
): Omit<ReconcileOptions, "clock"> {
  return {
    source: {
      root: ROOT,
      fs: mutation?.fs?.(node.fs, world) ?? node.fs,
      coverage: coverageOf(flags),
      settleMs,
      maxObjectBytes: 1_000_000,
    },
    policy: world.skipping.has(name) ? "skip" : "fresher",
    maxDeletePercent,
    confirmDeletes: false,
    requireSingleTxn: false,
    adopt: false,
  };
}
