import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { createMetrics, measuredEtcd, type MeasuredStatus } from "../../lib/agent/mod.ts";
import { EtcdError } from "../../lib/etcd/mod.ts";
import { versionFacts } from "../../lib/cli/version.ts";

const FOLDER = new URL("../../scripts/monitoring/", import.meta.url);
const read = (name: string) => Deno.readTextFileSync(fromFileUrl(new URL(name, FOLDER)));

/** Words of PromQL that stand where a metric could. */
const LANGUAGE = new Set(["and", "on", "by", "le", "sum", "rate", "time", "increase", "count"]);

/** What an agent says that has seen everything once. */
async function fullText(): Promise<string> {
  const metrics = await createMetrics({ ...versionFacts() });
  const header = { cluster_id: "1", member_id: "1", revision: "1", raft_term: "1" };
  const etcd = measuredEtcd(
    {
      range: () => Promise.resolve({ header, kvs: [], more: false, count: "0" }),
      txn: () => Promise.resolve({ header, succeeded: true, responses: [] }),
      hasNoSpaceAlarm: () => Promise.reject(new EtcdError("timeout", "x")),
      close: () => {},
    },
    metrics.etcd,
    () => 0,
  );
  await etcd.range({});
  await etcd.txn({}, 1);
  await etcd.hasNoSpaceAlarm().catch(() => {});
  metrics.committed(1);
  const status: MeasuredStatus = {
    notReady: [],
    etcd: { state: "reachable" },
    keys: 1,
    components: [{ component: "kubelet", resources: [{ gvr: "pods.v1.core", keys: 1 }] }],
    dirtyGroups: 0,
    pendingKeys: 0,
    conflicts: [],
    invalid: [],
    heldBack: [{ component: "kubelet", deletes: 1 }],
  };
  return await metrics.text(status);
}

/** Each metric with the labels of its samples. */
async function labelsByMetric(): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  for (const line of (await fullText()).split("\n")) {
    const sample = /^([a-z_]+)(?:\{(.*)\})? /.exec(line);
    if (!sample) continue;
    const labels = found.get(sample[1] ?? "") ?? new Set();
    for (const [, label = ""] of (sample[2] ?? "").matchAll(/(\w+)="/g)) labels.add(label);
    found.set(sample[1] ?? "", labels);
  }
  return found;
}

/** Every metric and label that an expression names exists. */
function checkExpression(expr: string, known: ReadonlyMap<string, ReadonlySet<string>>): void {
  const names = [...expr.matchAll(/\b(?:edgekeyd|process)_\w+/g)].map(([name]) => name);
  ok(names.length > 0 || expr.startsWith("up{"), expr);
  for (const name of names) ok(known.has(name), `${name} in ${expr}`);
  const labels = new Set([
    "instance",
    "job",
    ...names.flatMap((name) => [...known.get(name) ?? []]),
  ]);
  for (const [, group = ""] of expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)) {
    for (const label of group.split(",").map((text) => text.trim())) {
      ok(labels.has(label) || LANGUAGE.has(label), `${label} in ${expr}`);
    }
  }
  for (const [, matchers = ""] of expr.matchAll(/\{([^}]*)\}/g)) {
    for (const [, label = ""] of matchers.matchAll(/(\w+)=~?"/g)) ok(labels.has(label), expr);
  }
  strictEqual(expr.split("(").length, expr.split(")").length, expr);
}

Deno.test("the dashboard shows what exists, and all of it", async () => {
  const known = await labelsByMetric();
  const { panels } = JSON.parse(read("dashboard.json"));
  const expressions: string[] = [];
  const places = new Set<string>();
  for (const { title, gridPos, targets } of panels) {
    ok(title);
    ok(!places.has(`${gridPos.x}/${gridPos.y}`) && gridPos.x + gridPos.w <= 24, title);
    places.add(`${gridPos.x}/${gridPos.y}`);
    for (const { expr, legendFormat } of targets) {
      checkExpression(expr, known);
      expressions.push(expr);
      ok(legendFormat, title);
    }
  }
  const shown = expressions.join("\n");
  const unshown = [...known.keys()]
    .map((name) => name.replace(/_(bucket|sum|count)$/, ""))
    .filter((name) => !shown.includes(name));
  deepStrictEqual(unshown, []);
});

Deno.test("the alerts ask for what exists, and say what to do", async () => {
  const known = await labelsByMetric();
  const text = read("alerts.yaml");
  const rules = text.split(/^ {6}- alert: /m).slice(1);
  ok(rules.length >= 10);
  for (const rule of rules) {
    const name = rule.split("\n", 1)[0] ?? "";
    match(name, /^Edgekeyd[A-Z]\w+$/);
    const expr = /^ {8}expr: (?:>-\n)?([\s\S]*?)\n {8}for: \d+[mh]$/m.exec(rule)?.[1];
    ok(expr, name);
    checkExpression(expr.replaceAll(/\s+/g, " ").trim(), known);
    match(rule, /^ {8}labels: \{ severity: (critical|warning|info) \}$/m, name);
    match(rule, /^ {10}summary: ".*\{\{ \$labels\.instance \}\}.*"$/m, name);
    match(rule, /^ {10}description: ".+\."$/m, name);
  }
});
