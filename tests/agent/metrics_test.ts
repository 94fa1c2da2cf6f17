import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import {
  beatingEtcd,
  createMetrics,
  measuredEtcd,
  measuredKv,
  METRICS_CONTENT_TYPE,
  type NodeStatus,
} from "../../lib/agent/mod.ts";
import { type Etcd, EtcdError } from "../../lib/etcd/mod.ts";
import { QUIET } from "../support/node_status.ts";

const STATUS: NodeStatus = { ...QUIET, lastSuccessMs: 1_500 };

/** The samples of a text, by name with labels. */
function samples(text: string): Map<string, number> {
  return new Map(
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
  );
}

Deno.test("metrics say what the status says, and forget what is gone", async () => {
  const metrics = await createMetrics({ version: "1.2.3", commit: "abc" });
  const before = samples(
    await metrics.text({
      ...STATUS,
      notReady: ["held back"],
      etcd: { ...STATUS.etcd, state: "away" },
      components: [...STATUS.components, {
        component: "kube-proxy",
        resources: [{ gvr: "nodes.v1.core", keys: 1 }],
      }],
      dirtyGroups: null,
      pendingKeys: 9,
      conflicts: [{ key: "/registry/pods/a/b", reason: "r" }],
      invalid: [{ path: "x", reason: "y" }, { path: "z", reason: "y" }],
      heldBack: [{ component: "kube-proxy", deletes: 12 }, { component: "flanneld", deletes: 0 }],
      halfRewritten: ["kubelet/pods.v1.core"],
      watchFailure: "limit",
    }),
  );
  deepStrictEqual(
    [
      "edgekeyd_ready",
      "edgekeyd_etcd_up",
      "edgekeyd_fs_cache_watched",
      "edgekeyd_last_success_timestamp_seconds",
      'edgekeyd_keys{component="kubelet"}',
      'edgekeyd_keys{component="kube-proxy"}',
      "edgekeyd_dirty_groups",
      "edgekeyd_pending_intents",
      'edgekeyd_held_back{component="kube-proxy"}',
      'edgekeyd_held_back{component="flanneld"}',
      'edgekeyd_held_back_deletes{component="kube-proxy"}',
      'edgekeyd_held_back_deletes{component="flanneld"}',
      "edgekeyd_conflicts",
      "edgekeyd_invalid_files",
      "edgekeyd_half_rewritten_groups",
      'edgekeyd_build_info{version="1.2.3",commit="abc"}',
    ].map((name) => before.get(name)),
    [0, 0, 0, 1.5, 3, 1, 3, 1, 1, 1, 12, 0, 1, 2, 1, 1],
  );
  ok((before.get("edgekeyd_process_resident_memory_bytes") ?? 0) > 1e6);

  const after = samples(await metrics.text(STATUS));
  strictEqual(after.get("edgekeyd_ready"), 1);
  ok(!after.has('edgekeyd_keys{component="kube-proxy"}'));
  ok(!after.has('edgekeyd_held_back{component="kube-proxy"}'));
  ok(!after.has('edgekeyd_held_back_deletes{component="kube-proxy"}'));
  match(METRICS_CONTENT_TYPE, /^text\/plain; version=0\.0\.4/);
});

Deno.test("each call to etcd is measured, and beats, however it ends", async () => {
  const metrics = await createMetrics({});
  let nowMs = 0;
  let beats = 0;
  const header = { cluster_id: "1", member_id: "1", revision: "1", raft_term: "1" };
  const answers: (boolean | EtcdError)[] = [
    true,
    false,
    new EtcdError("too-large", "x"),
    new EtcdError("timeout", "x"),
  ];
  const etcd: Etcd = {
    range: () => {
      nowMs += 3;
      return Promise.resolve({ header, kvs: [], more: false, count: "0" });
    },
    rangeAll: () => {
      nowMs += 4;
      return Promise.resolve({ header, answers: [] });
    },
    txn: () => {
      nowMs += 20;
      const answer = answers.shift();
      return typeof answer === "boolean"
        ? Promise.resolve({ header, succeeded: answer, responses: [] })
        : Promise.reject(answer);
    },
    hasNoSpaceAlarm: () => Promise.reject(new EtcdError("unreachable", "x")),
    watch: () =>
      Promise.resolve({
        header,
        ended: Promise.resolve(new EtcdError("timeout", "x")),
        close() {},
      }),
    close: () => {},
  };
  const measured = beatingEtcd(measuredEtcd(etcd, metrics.etcd, () => nowMs), () => beats++);
  await measured.txn({}, 1_000);
  await measured.txn({}, 2_000);
  await rejects(measured.txn({}, 3_000), { reason: "too-large" });
  await rejects(measured.txn({}), { reason: "timeout" });
  await measured.range({});
  await measured.rangeAll([]);
  await rejects(measured.hasNoSpaceAlarm(), { reason: "unreachable" });
  strictEqual(beats, 7);
  const found = samples(await metrics.text(STATUS));
  for (const outcome of ["applied", "compare-failed", "not-applied", "in-doubt"]) {
    const name = "edgekeyd_etcd_txn_duration_seconds";
    strictEqual(found.get(`${name}_count{outcome="${outcome}"}`), 1, outcome);
    strictEqual(found.get(`${name}_sum{outcome="${outcome}"}`), 0.02, outcome);
    strictEqual(found.get(`${name}_bucket{le="0.01",outcome="${outcome}"}`), 0, outcome);
    strictEqual(found.get(`${name}_bucket{le="0.025",outcome="${outcome}"}`), 1, outcome);
  }
  strictEqual(found.get("edgekeyd_etcd_txn_size_bytes_sum"), 6_000);
  strictEqual(found.get("edgekeyd_etcd_txn_size_bytes_count"), 3);
  strictEqual(found.get("edgekeyd_etcd_range_duration_seconds_sum"), 0.007);
  strictEqual(found.get('edgekeyd_etcd_failures_total{call="txn",reason="timeout"}'), 1);
  strictEqual(found.get('edgekeyd_etcd_failures_total{call="alarms",reason="unreachable"}'), 1);
});

Deno.test("commits to the cache are counted with their bytes, failed ones are not", async () => {
  const metrics = await createMetrics({});
  let fails = false;
  const store = measuredKv({
    path: "memory",
    async *list() {},
    commit: () => fails ? Promise.reject(new Error("full")) : Promise.resolve(),
    close: () => {},
  }, metrics.committed);
  await store.commit([{ set: ["row", "/a"], value: new Uint8Array(10) }, {
    delete: ["row", "/b"],
  }]);
  fails = true;
  await rejects(store.commit([{ delete: ["row", "/b"] }]));
  const found = samples(await metrics.text(STATUS));
  strictEqual(found.get("edgekeyd_cache_commits_total"), 1);
  strictEqual(found.get("edgekeyd_cache_committed_bytes_total"), 20);
});

Deno.test("every metric has a help text, and a name as Prometheus wants it", async () => {
  const text = await (await createMetrics({})).text(STATUS);
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  ok(types.length > 15);
  for (const [, name = "", type] of types) {
    match(text, new RegExp(`^# HELP ${name} [A-Z1].{10,}\\.$`, "m"));
    match(name, /^(edgekeyd|process)_[a-z_]+$/);
    strictEqual(name.endsWith("_total"), type === "counter", name);
    if (type === "histogram") match(name, /_(seconds|bytes)$/);
  }
});
