import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import {
  CONDITION_SCHEMAS,
  ConditionLog,
  type ConditionName,
  CONDITIONS,
  conditionsOf,
  exceptionsOf,
  type Facts,
  reasonsOf,
  stateOf,
  statusWords,
  warningsOf,
  whyNotInStep,
} from "../../lib/agent/conditions/mod.ts";
import { createMetrics, judgementOf, makeLog, type NodeStatus } from "../../lib/agent/mod.ts";
import { statusPage } from "../../lib/cli/status_page.ts";
import { QUIET } from "../support/node_status.ts";
import { closed } from "./_closed.ts";

const AWAY = { code: "Etcd", message: "can't reach etcd; check that it runs" };
const FENCE = "/edgekeyd/n1/fence";

/** A daemon of which nothing is to be told. */
const WELL: Facts = { daemon: true, nodeName: "n1", cacheRoot: "/cache", lastSuccessMs: 1 };

/** For each condition what makes it hold, and it alone. */
const HOLDS: Readonly<Record<ConditionName, Facts>> = {
  "retired": { retired: true },
  "fence-lost": { fence: { kind: "other-life", key: FENCE } },
  "etcd-away": { etcd: "away", failure: AWAY },
  "service-down": { daemon: false, idleService: "edgekeyd.service" },
  "failing": { etcd: "reachable", failure: { code: "KeyCache", message: "the disk is full" } },
  "starting": { lastSuccessMs: undefined },
  "etcd-reset": { fence: { kind: "reset", key: FENCE } },
  "keys-unverified": { unverifiedKeys: 3 },
  "txn-pending": { pendingKeys: 3 },
  "deletes-held-back": { heldBack: [{ component: "kubelet", deletes: 12 }] },
  "conflicts": { conflicts: new Map([["/registry/pods/b", "theirs"], ["/registry/a", "newer"]]) },
  "others-values": {
    others: new Map([["/registry/a", "another importer's value: other content"]]),
  },
  "versions-far-ahead": {
    farAhead: {
      component: "evil",
      key: "/registry/a",
      resourceVersion: "4611686018427387904",
      keys: 2,
    },
  },
  "keys-not-put": {
    notPut: [{ key: "/registry/a", path: "kubelet/pods.v1.core/d/a", reason: "missing in etcd" }],
  },
  "components-full": {
    invalid: [{
      path: "evil/pods.v1.core",
      reason: "at least 3 files left out: evil would hold more than 9 keys (--max-component-keys)",
      kind: "component-full",
    }],
  },
  "invalid-paths": { invalid: [{ path: "kubelet/pods.v1.core/x", reason: "not valid JSON" }] },
  "half-rewritten": { halfRewritten: ["kubelet/pods.v1.core"] },
  "busy": { busy: ["kubelet/nodes.v1.core"] },
  "credentials-unread": { credentialFailure: "the password file is empty" },
  "credentials-exposed": {
    exposures: [{ about: "/etc/edgekeyd/password", reason: "every user can read the password" }],
  },
  "cluster-changed": { clusterChange: { before: "7", now: "8" } },
  "unwatched": { watchFailure: "limit reached" },
  "etcd-unwatched": { etcdWatchFailure: "permission denied" },
  "alive-not-kept": { aliveFailure: "permission denied" },
};

const ALL = Object.entries(HOLDS).map(([name, facts]) => ({
  name: name as ConditionName,
  conditions: conditionsOf({ ...WELL, ...facts }),
}));

/** A status in which nothing stands but what is judged. */
function statusOf(facts: Facts): NodeStatus {
  return { ...QUIET, ...judgementOf(facts), components: [] };
}

Deno.test("each condition holds by what is found out, alone, and as its schema says", () => {
  deepStrictEqual(conditionsOf(WELL), []);
  deepStrictEqual(conditionsOf({}), [], "of what nobody looked at nothing is told");
  const validate = new Ajv2020({ formats: { int64: true } }).compile(
    closed(CONDITION_SCHEMAS.Condition),
  );
  for (const { name, conditions } of ALL) {
    match(name, /^[a-z]+(-[a-z]+)*$/);
    deepStrictEqual(conditions.map(({ condition }) => condition), [name]);
    for (const condition of conditions) {
      ok(validate(condition), JSON.stringify(validate.errors));
      ok(condition.words && condition.advice && condition.items.length > 0, name);
    }
  }
  deepStrictEqual(ALL.map(({ name }) => name), [...CONDITIONS.keys()]);
});

Deno.test("each condition stands in readiness, state, systemd's line and the status page", () => {
  for (const { name, conditions: [condition] } of ALL) {
    ok(condition);
    const { kind, words, advice, items } = condition;
    const all = [condition];
    const [reasons, warnings] = [reasonsOf(all), warningsOf(all)];
    strictEqual(reasons.length, kind === "not-ready" ? items.length : 0, name);
    strictEqual(warnings.length, kind === "warning" ? 1 : 0, name);
    const [said = ""] = [...reasons, ...warnings];
    ok(said.includes(advice) && statusWords(all, 3).includes(words), said);
    const { effect } = CONDITIONS.get(name) ?? {};
    strictEqual(stateOf(all) === "in-step", effect === "none", name);
    strictEqual(whyNotInStep(all) === "", effect === "none", name);
    const lines: string[] = [];
    const terminal = { err() {}, redraw() {}, colour: false, watched: false };
    const out = (line: string) => lines.push(line);
    statusPage(statusOf({ ...WELL, ...HOLDS[name] }), 1_000, { ...terminal, out });
    const page = lines.join("\n");
    ok(page.includes(advice), `${name}: ${page}`);
    if (kind === "warning") { for (const { about } of items) ok(page.includes(about), page); }
  }
});

Deno.test("each condition is a metric: how many items it has, 0 while it does not hold", async () => {
  const metrics = await createMetrics({});
  for (const { name, conditions: [condition] } of ALL) {
    const text = await metrics.text(statusOf({ ...WELL, ...HOLDS[name] }));
    const samples = [...text.matchAll(/^edgekeyd_condition\{(.*)\} (\d+)$/gm)];
    const held = samples.filter(([, , value]) => value !== "0");
    const label = `condition="${name}",kind="${condition?.kind}"`;
    deepStrictEqual(
      held.map(([, labels, value]) => [labels, value]),
      [[label, String(condition?.items.length)]],
    );
    strictEqual(samples.length, CONDITIONS.size);
  }
});

Deno.test("the log tells when an item appears, changes and clears, and nothing while it stays", () => {
  const lines: string[] = [];
  const log = new ConditionLog(makeLog("text", (line) => lines.push(line), () => new Date()));
  const told = (facts: Facts) => {
    log.tell(conditionsOf({ ...WELL, ...facts }));
    return lines.splice(0);
  };
  for (const [name, { log: words }] of CONDITIONS) {
    const count = words ? conditionsOf(HOLDS[name])[0]?.items.length : 0;
    const appeared = told(HOLDS[name]);
    deepStrictEqual([appeared.length, told(HOLDS[name])], [count, []], name);
    const cleared = told({});
    strictEqual(cleared.length, count, name);
    for (const line of appeared) ok(line.startsWith(`warning: ${words?.appeared}`), line);
    for (const line of cleared) ok(line.startsWith(`notice: ${words?.cleared}`), line);
  }
  const held = (deletes: number) => ({ heldBack: [{ component: "kubelet", deletes }] });
  const bad = (reason: string) => ({ invalid: [{ path: "x/y/z", reason }] });
  deepStrictEqual(told({ ...held(12), ...bad("half") }), [
    "warning: deletes held back component=kubelet deletes=12",
    "warning: not imported path=x/y/z reason=half",
  ]);
  deepStrictEqual(told({ ...held(13), ...bad("half") }), [
    "warning: deletes held back component=kubelet deletes=13",
  ]);
  deepStrictEqual(told(bad("torn")), [
    "notice: no deletes held back any more component=kubelet",
    "warning: not imported path=x/y/z reason=torn",
  ]);
  deepStrictEqual(told({}), ["notice: no longer invalid path=x/y/z"]);
  const many = Array.from({ length: 25 }, (_, at) => ({ path: `p${at}`, reason: "bad" }));
  const flood = told({ invalid: many });
  strictEqual(flood.length, 21);
  match(flood.at(-1) ?? "", /^warning: not imported: more, which `edgekeyd status` lists more=5$/);
  strictEqual(told({ invalid: many }).length, 0);
  strictEqual(told({}).length, 21);
});

Deno.test("conditions that hold together: the gravest makes the state and comes first", () => {
  const names: readonly ConditionName[] = [
    "etcd-away",
    "txn-pending",
    "deletes-held-back",
    "conflicts",
    "others-values",
    "keys-not-put",
    "invalid-paths",
    "half-rewritten",
    "unwatched",
  ];
  const facts: Facts = Object.assign({}, WELL, ...names.toReversed().map((name) => HOLDS[name]));
  const conditions = conditionsOf(facts);
  deepStrictEqual(conditions.map(({ condition }) => condition), names);
  deepStrictEqual([stateOf(conditions), statusWords(conditions, 3), whyNotInStep(conditions)], [
    "etcd-away",
    `etcd is away: ${AWAY.message}`,
    `${AWAY.message}; once that is mended, the next pass makes up for it`,
  ]);
  const pending = conditions.slice(1);
  strictEqual(stateOf(pending), "partial");
  strictEqual(statusWords(pending, 3), "Not in step: a Txn of 3 keys is pending");
  const exceptions = conditions.slice(2);
  strictEqual(stateOf(exceptions), "partial");
  strictEqual(
    statusWords(exceptions, 3),
    "In step but for 12 deletes of kubelet held back, 2 keys left to others, " +
      "1 key to be put, whose file can't be imported, 1 invalid path not imported, " +
      "1 resource group half rewritten for more than a minute, in which deletes wait",
  );
  match(
    exceptionsOf(exceptions),
    /^in step but for 12 deletes of kubelet held back \(see whether .*\); 2 keys left to others \(\/registry\/a: newer; delete them/,
  );
});

Deno.test("what is said of a node in a word or a line, by what holds", () => {
  const cases: [Facts, string, string][] = [
    [{}, "in-step", "In step: 3 keys"],
    [
      { watchFailure: "limit" },
      "in-step",
      "In step: 3 keys; the fs cache can't be watched, and is looked at every 30 s or sooner",
    ],
    [{ lastSuccessMs: undefined }, "starting", "Starting: the first full pass is under way"],
    [{ retired: true }, "retired", "Retired: nothing is written any more"],
    [{ failure: { code: "KeyCache", message: "disk full" } }, "failing", "Failing: disk full"],
    [
      {
        heldBack: [{ component: "kubelet", deletes: 12 }, { component: "flanneld", deletes: 1 }],
      },
      "partial",
      "In step but for 13 deletes of kubelet, flanneld held back",
    ],
    [
      { heldBack: [{ component: "kubelet", deletes: 0 }] },
      "partial",
      "In step but for 1 component (kubelet) held back",
    ],
  ];
  for (const [facts, state, words] of cases) {
    const conditions = conditionsOf({ ...WELL, ...facts });
    deepStrictEqual([stateOf(conditions), statusWords(conditions, 3)], [state, words]);
  }
  strictEqual(statusWords([], 1), "In step: 1 key");
  const held = (deletes: number) =>
    reasonsOf(conditionsOf({ heldBack: [{ component: "kubelet", deletes }] })).join();
  match(held(12), /^12 deletes of kubelet are held back; .*--confirm-deletes/);
  match(held(1), /^1 delete of kubelet is held back; /);
  match(held(0), /^kubelet is held back from .*--confirm-deletes/);
  match(held(12), / disk is mounted, .*--dry-run --confirm-deletes` lists the keys; /);
  doesNotMatch(held(12), /include-secrets/);
  const secrets = conditionsOf({ heldBack: [{ component: "kubelet", deletes: 12, secrets: 3 }] });
  match(reasonsOf(secrets).join(), /\(with 3 core Secrets, [^)]*\); .*give --include-secrets if /);
  match(
    reasonsOf(conditionsOf({ retired: true })).join(),
    /^this node was retired; .* `edgekeyd --reconcile --rejoin`; stop /,
  );
});

Deno.test("why a path is invalid is told by its kind, whatever its reason says", () => {
  const told = (reason: string, kind?: "component-full" | "too-large") =>
    conditionsOf({ invalid: [{ path: "a/b", reason, ...(kind && { kind }) }] })
      .map(({ condition, advice }) => [condition, /--etcd-max-request-bytes/.test(advice)]);
  deepStrictEqual(told("is beyond (--max-component-keys)"), [["invalid-paths", false]]);
  deepStrictEqual(told("larger than 3 apples"), [["invalid-paths", false]]);
  deepStrictEqual(told("too much", "component-full"), [["components-full", false]]);
  deepStrictEqual(told("too much", "too-large"), [["invalid-paths", true]]);
});

Deno.test("what may not be read is to be made readable, and is never told to be removed", () => {
  for (const kind of [undefined, "too-large"] as const) {
    const invalid = [
      { path: "kubelet", reason: "permission denied" },
      { path: "a/b", reason: "larger", ...(kind && { kind }) },
    ];
    const [{ advice } = { advice: "" }] = conditionsOf({ invalid });
    match(advice, /let edgekeyd read what is denied or can't be read; remove what else is invalid/);
  }
});

Deno.test("alive-not-kept tells of the role only as one cause, since a login can be refused too", () => {
  const [{ advice } = { advice: "" }] = conditionsOf({ aliveFailure: "refused to log in" });
  match(advice, /^if its right is missing, let this node's role read and write this key; /);
  doesNotMatch(advice, /goes on/);
});

Deno.test("a condition of a daemon of another version is shown, and taken for an exception", () => {
  const unknown = {
    condition: "new-one" as ConditionName,
    kind: "not-ready" as const,
    words: "1 new thing amiss",
    advice: "see to it",
    items: [{ about: "thing" }],
  };
  strictEqual(stateOf([unknown]), "partial");
  deepStrictEqual(reasonsOf([unknown]), ["1 new thing amiss; see to it"]);
  strictEqual(whyNotInStep([unknown]), "in step but for 1 new thing amiss (see to it)");
});

Deno.test("docs/service.md lists every condition, with its kind", () => {
  const page = Deno.readTextFileSync(new URL("../../docs/service.md", import.meta.url));
  const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (not ready|warning) +\| \S/gm)];
  deepStrictEqual(
    rows.map(([, name, kind]) => [name, kind]),
    [...CONDITIONS].map(([name, { kind }]) => [name, kind.replace("-", " ")]),
  );
});
