import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { createMetrics, measuredEtcd, type MeasuredStatus } from "../../lib/agent/mod.ts";
import { type ConditionName, CONDITIONS } from "../../lib/agent/conditions/mod.ts";
import { EtcdError } from "../../lib/etcd/mod.ts";
import { versionFacts } from "../../lib/cli/version.ts";

const FOLDER = new URL("../../scripts/monitoring/", import.meta.url);
const read = (name: string) => Deno.readTextFileSync(fromFileUrl(new URL(name, FOLDER)));

/** Metrics of Prometheus itself and of node_exporter, with their own labels. */
const OTHERS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["up", new Set()],
  ["node_textfile_mtime_seconds", new Set(["file"])],
]);

/** Words of PromQL that stand where a metric could. */
const LANGUAGE = new Set(["and", "on", "by", "le", "sum", "rate", "time", "increase", "count"]);

/** What an agent says that has seen everything once. */
async function fullText(): Promise<string> {
  const metrics = await createMetrics({ ...versionFacts() });
  const header = { cluster_id: "1", member_id: "1", revision: "1", raft_term: "1" };
  const etcd = measuredEtcd(
    {
      range: () => Promise.resolve({ header, kvs: [], more: false, count: "0" }),
      rangeAll: () => Promise.resolve({ header, answers: [] }),
      txn: () => Promise.resolve({ header, succeeded: true, responses: [] }),
      hasNoSpaceAlarm: () => Promise.reject(new EtcdError("timeout", "x")),
      watch: () => Promise.reject(new EtcdError("timeout", "x")),
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
    conditions: [],
    etcd: { state: "reachable" },
    keys: 1,
    components: [{ component: "kubelet", resources: [{ gvr: "pods.v1.core", keys: 1 }] }],
    dirtyGroups: 0,
    pendingKeys: 0,
    conflicts: [],
    invalid: [],
    heldBack: [{ component: "kubelet", deletes: 0 }],
  };
  return await metrics.text(status);
}

/** Each metric that there is, with the labels of its samples. */
async function labelsByMetric(): Promise<Map<string, ReadonlySet<string>>> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const line of (await fullText()).split("\n")) {
    const [, declared, kind] = /^# TYPE (\w+) (\w+)$/.exec(line) ?? [];
    if (declared !== undefined) {
      found.set(kind === "histogram" ? `${declared}_count` : declared, new Set());
    }
    const sample = /^([a-z_]+)(?:\{(.*)\})? /.exec(line);
    if (!sample) continue;
    const labels = new Set(found.get(sample[1] ?? ""));
    for (const [, label = ""] of (sample[2] ?? "").matchAll(/(\w+)="/g)) labels.add(label);
    found.set(sample[1] ?? "", labels);
  }
  for (const [name, labels] of OTHERS) found.set(name, labels);
  return found;
}

/** Every metric and label that an expression names exists. */
function checkExpression(expr: string, known: ReadonlyMap<string, ReadonlySet<string>>): void {
  const bare = expr.replaceAll(/"[^"]*"/g, '""');
  const names = [...bare.matchAll(/\b(?:(?:edgekeyd|node)_\w+|up\b)/g)].map(([name]) => name);
  ok(names.length > 0, expr);
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

/** A histogram's name, of one of its series. */
function base(name: string): string {
  return name.replace(/_(bucket|sum|count)$/, "");
}

/** The alert rules, each with its expression on one line. */
function alertRules(): { name: string; expr: string; rule: string }[] {
  return read("alerts.yaml").replaceAll(/^ *#.*\n/gm, "").split(/^ {6}- alert: /m).slice(1)
    .map((rule) => {
      const expr = /^ {8}expr: (?:>-\n)?([\s\S]*?)\n {8}for: \d+[mh]$/m.exec(rule)?.[1] ?? "";
      const name = rule.split("\n", 1)[0] ?? "";
      return { name, expr: expr.replaceAll(/\s+/g, " ").trim(), rule };
    });
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
  const shown = new Set(expressions.join("\n").match(/\w+/g)?.map(base));
  const unshown = [...known.keys()].filter((name) => !OTHERS.has(name) && !shown.has(base(name)));
  deepStrictEqual(unshown, []);
});

Deno.test("the alerts ask for what exists, and say what to do", async () => {
  const known = await labelsByMetric();
  const rules = alertRules();
  ok(rules.length >= 10);
  for (const { name, expr, rule } of rules) {
    match(name, /^Edgekeyd[A-Z]\w+$/);
    ok(expr, name);
    checkExpression(expr, known);
    match(rule, /^ {8}labels: \{ severity: (critical|warning|info) \}$/m, name);
    // Of what is absent no instance is known.
    const instance = expr.startsWith("absent(") ? "" : ".*\\{\\{ \\$labels\\.instance \\}\\}";
    match(rule, new RegExp(`^ {10}summary: "${instance}.*"$`, "m"), name);
    match(rule, /^ {10}description: ".+\."$/m, name);
  }
});

Deno.test("what makes a node not ready, or is heard of no more, has its alert", async () => {
  const expressions = new Map(alertRules().map(({ name, expr }) => [name, expr]));
  // A component that is gone, all of whose keys are shared: no delete, and held back all the same.
  const text = await fullText();
  match(text, /^edgekeyd_held_back_deletes\{component="kubelet"\} 0$/m);
  match(text, /^edgekeyd_held_back\{component="kubelet"\} 1$/m);
  strictEqual(expressions.get("EdgekeydDeletesHeldBack"), "edgekeyd_held_back > 0");
  strictEqual(expressions.get("EdgekeydNotReady"), "edgekeyd_ready == 0");
  strictEqual(expressions.get("EdgekeydUnheard"), "absent(edgekeyd_ready)");
  // The file that the documentation has written is one that the rule looks at.
  const service = Deno.readTextFileSync(new URL("../../docs/service.md", import.meta.url));
  const file = /mv (\S+)\{\.part,\}/.exec(service)?.[1] ?? "";
  const stale = /\{file=~"(.*)"\}/.exec(expressions.get("EdgekeydTextfileStale") ?? "")?.[1];
  match(file, new RegExp(`^(?:${stale})$`));
});

Deno.test("every condition that a node warns of has its alert, and no two", () => {
  const expressions = new Map(alertRules().map(({ name, expr }) => [name, expr]));
  const own: Readonly<Record<string, string>> = {
    EdgekeydConflicts: "conflicts",
    EdgekeydInvalidFiles: "invalid-paths",
    EdgekeydHalfRewritten: "half-rewritten",
    EdgekeydUnwatched: "unwatched",
  };
  for (const [alert, condition] of Object.entries(own)) {
    ok(expressions.has(alert), alert);
    strictEqual(CONDITIONS.get(condition as ConditionName)?.kind, "warning", condition);
  }
  strictEqual(
    expressions.get("EdgekeydWarns"),
    `edgekeyd_condition{kind="warning",condition!~"${Object.values(own).join("|")}"} > 0`,
  );
});
