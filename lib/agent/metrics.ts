import { ETCD_ERROR_REASONS } from "../etcd/mod.ts";
import { ETCD_CALLS, type EtcdMeter, TXN_OUTCOMES } from "./measured_etcd.ts";
import { CONDITIONS } from "./conditions/mod.ts";
import type { ComponentSummary, NodeStatus } from "./status.ts";

/** What is told of a node's status. */
export type MeasuredStatus =
  & Pick<
    NodeStatus,
    | "notReady"
    | "conditions"
    | "keys"
    | "dirtyGroups"
    | "pendingKeys"
    | "conflicts"
    | "invalid"
    | "heldBack"
    | "halfRewritten"
    | "watchFailure"
    | "lastSuccessMs"
  >
  & {
    readonly etcd: Pick<NodeStatus["etcd"], "state">;
    readonly components: readonly ComponentSummary[];
  };

/** What is measured, and how it is told to Prometheus. */
export interface Metrics {
  /** Takes what is measured of the calls to etcd. */
  readonly etcd: EtcdMeter;
  /** A commit to the component-key cache went well. */
  committed(bytes: number): void;
  /**
   * All metrics in Prometheus' text format.
   *
   * @param status what the agent is doing now
   */
  text(status: MeasuredStatus): Promise<string>;
}

/** The media type of {@linkcode Metrics.text}. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const KIB = 1024;
const BYTES = [0.25, 1, 4, 16, 64, 256, 512, 1024, 1536, 4096].map((kib) => kib * KIB);

/**
 * Makes the daemon's metrics. Only the daemon needs their library, so that it is loaded here.
 *
 * @param version what runs, as `edgekeyd_build_info` says it
 */
export async function createMetrics(version: Readonly<Record<string, string>>): Promise<Metrics> {
  const { Counter, Gauge, Histogram, Registry } = await import("./prom_client.ts");
  const registry = new Registry();
  const registers = [registry];
  const gauge = <Label extends string = never>(
    name: string,
    help: string,
    labelNames: Label[] = [],
  ) => new Gauge({ name, help, labelNames, registers });

  const txnSeconds = new Histogram({
    name: "edgekeyd_etcd_txn_duration_seconds",
    help: "Duration of etcd Txns, by what became of them.",
    labelNames: ["outcome"],
    buckets: SECONDS,
    registers,
  });
  const txnBytes = new Histogram({
    name: "edgekeyd_etcd_txn_size_bytes",
    help: "Size of the etcd Txns that write, as reckoned before they are sent.",
    buckets: BYTES,
    registers,
  });
  const rangeSeconds = new Histogram({
    name: "edgekeyd_etcd_range_duration_seconds",
    help: "Duration of etcd range reads.",
    buckets: SECONDS,
    registers,
  });
  const failures = new Counter({
    name: "edgekeyd_etcd_failures_total",
    help: "Failed calls to etcd, by call and reason.",
    labelNames: ["call", "reason"],
    registers,
  });
  const commits = new Counter({
    name: "edgekeyd_cache_commits_total",
    help: "Commits to the component-key cache; each is one fsync.",
    registers,
  });
  const committedBytes = new Counter({
    name: "edgekeyd_cache_committed_bytes_total",
    help: "Bytes of keys and values committed to the component-key cache.",
    registers,
  });
  // What has not happened yet is 0, so that a rate sees the first time.
  for (const outcome of TXN_OUTCOMES) txnSeconds.zero({ outcome });
  for (const call of ETCD_CALLS) {
    for (const reason of ETCD_ERROR_REASONS) failures.inc({ call, reason }, 0);
  }
  const showStatus = statusGauges(gauge);
  gauge("edgekeyd_build_info", "What runs; always 1.", Object.keys(version)).set(version, 1);
  const startSeconds = Date.now() / 1_000 - performance.now() / 1_000;
  gauge("edgekeyd_process_start_time_seconds", "Start of the process, in seconds since the epoch.")
    .set(startSeconds);
  // Not process_…: in a textfile it would clash with node_exporter's own.
  const memory = gauge(
    "edgekeyd_process_resident_memory_bytes",
    "Memory of the process that is in RAM.",
  );

  return {
    etcd: {
      txn(outcome, seconds, bytes) {
        txnSeconds.observe({ outcome }, seconds);
        if (bytes !== undefined) txnBytes.observe(bytes);
      },
      range: (seconds) => rangeSeconds.observe(seconds),
      failed: (call, reason) => failures.inc({ call, reason }),
    },
    committed(bytes) {
      commits.inc();
      committedBytes.inc(bytes);
    },
    async text(status) {
      showStatus(status);
      memory.set(Deno.memoryUsage().rss);
      return await registry.metrics();
    },
  };
}

/** A gauge, as far as it is used here. */
interface Settable<Label extends string> {
  set(value: number): void;
  set(labels: Partial<Record<Label, string>>, value: number): void;
  reset(): void;
}

type MakeGauge = <Label extends string = never>(
  name: string,
  help: string,
  labelNames?: Label[],
) => Settable<Label>;

/** What is read off the agent's status whenever somebody asks. */
function statusGauges(gauge: MakeGauge): (status: MeasuredStatus) => void {
  const ready = gauge("edgekeyd_ready", "1 if the agent is ready, as /readyz says.");
  const reachable = gauge("edgekeyd_etcd_up", "1 if the last call to etcd was answered.");
  const watched = gauge("edgekeyd_fs_cache_watched", "1 if the fs cache is watched.");
  const lastSuccess = gauge(
    "edgekeyd_last_success_timestamp_seconds",
    "End of the last full pass that came to its end, in seconds since the epoch; 0: none yet.",
  );
  const keys = gauge("edgekeyd_keys", "Object keys that a component holds.", ["component"]);
  const total = gauge("edgekeyd_cached_keys", "Object keys in the component-key cache.");
  const dirty = gauge("edgekeyd_dirty_groups", "Resource groups that wait to be looked at.");
  const intents = gauge("edgekeyd_pending_intents", "Txns whose outcome is not known yet.");
  const held = gauge(
    "edgekeyd_held_back",
    "1 while a component's deletes are held back, be it 0 of them: all its keys may be shared.",
    ["component"],
  );
  const heldDeletes = gauge("edgekeyd_held_back_deletes", "Deletes held back.", ["component"]);
  const conflicts = gauge("edgekeyd_conflicts", "Keys left to others.");
  const invalid = gauge("edgekeyd_invalid_files", "Files of the fs cache that are not imported.");
  const halfRewritten = gauge(
    "edgekeyd_half_rewritten_groups",
    "Resource groups whose rewrite has not ended for more than a minute; deletes in them wait.",
  );
  const condition = gauge(
    "edgekeyd_condition",
    "How many items a condition holds of, and 0 while it does not hold; /v1/status has them.",
    ["condition", "kind"],
  );
  return (status) => {
    for (const [name, { kind }] of CONDITIONS) {
      const held = status.conditions.find((one) => one.condition === name);
      condition.set({ condition: name, kind }, held?.items.length ?? 0);
    }
    const resources = status.components.reduce((sum, it) => sum + it.resources.length, 0);
    ready.set(status.notReady.length === 0 ? 1 : 0);
    reachable.set(status.etcd.state === "reachable" ? 1 : 0);
    watched.set(status.watchFailure === undefined ? 1 : 0);
    lastSuccess.set((status.lastSuccessMs ?? 0) / 1_000);
    total.set(status.keys);
    dirty.set(status.dirtyGroups ?? Math.max(1, resources));
    intents.set(status.pendingKeys > 0 ? 1 : 0);
    conflicts.set(status.conflicts.length);
    invalid.set(status.invalid?.length ?? 0);
    halfRewritten.set(status.halfRewritten?.length ?? 0);
    // A component that is gone must not linger.
    for (const one of [keys, held, heldDeletes]) one.reset();
    for (const { component, resources } of status.components) {
      keys.set({ component }, resources.reduce((sum, it) => sum + it.keys, 0));
      held.set({ component }, 0);
      heldDeletes.set({ component }, 0);
    }
    for (const { component, deletes } of status.heldBack ?? []) {
      held.set({ component }, 1);
      heldDeletes.set({ component }, deletes);
    }
  };
}
