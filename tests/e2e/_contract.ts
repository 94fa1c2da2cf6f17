import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { EdgekeydResult } from "../support/edgekeyd_process.ts";

/** What `--reconcile -o json` prints. */
export interface Report {
  readonly status: "in-step" | "partial" | "failed";
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly released: number;
  readonly unchanged: number;
  readonly conflicts: readonly { readonly key: string; readonly reason: string }[];
  readonly invalid: readonly { readonly path: string; readonly reason: string }[];
  readonly notPut?: readonly {
    readonly key: string;
    readonly path: string;
    readonly reason: string;
  }[];
  readonly heldBack: readonly {
    readonly component: string;
    readonly deletes: number;
    readonly secrets?: number;
  }[];
  readonly secretsLeftOut?: number;
  readonly busy?: readonly string[];
  readonly txns: number;
  readonly staged: boolean;
  readonly recovered: number;
  readonly revision: string;
  readonly clusterId: string;
  readonly durationMs: number;
  readonly phasesMs: Readonly<Record<"recover" | "scan" | "plan" | "commit", number>>;
  readonly plan?: readonly Step[];
  readonly unclaimed?: readonly string[];
}

/** A step of a dry run's plan. */
export interface Step {
  readonly key: string;
  readonly action: "put" | "delete" | "release";
  readonly owner: string;
  readonly reason: string;
}

const COUNTS = ["created", "updated", "deleted", "released", "unchanged", "txns", "recovered"];
const MEMBERS = [
  "status",
  "created",
  "updated",
  "deleted",
  "released",
  "unchanged",
  "conflicts",
  "invalid",
  "heldBack",
  "txns",
  "staged",
  "recovered",
  "revision",
  "clusterId",
  "durationMs",
  "phasesMs",
];

/** What a run printed and how it ended, for messages of assertions. */
export function shown({ args, code, signal, stdout, stderr }: EdgekeydResult): string {
  return `edgekeyd ${args.join(" ")}: exit ${code} ${
    signal ?? ""
  }\n--- stdout\n${stdout}\n--- stderr\n${stderr}`;
}

/**
 * Holds a run to its exit status and to what stderr may say: notes, and for every status but 0
 * exactly one line more; never a stack trace, never an escape code.
 *
 * @param result the run
 * @param code the exit status that it must have
 * @param says what the one line must say
 */
export function expectExit(result: EdgekeydResult, code: 0 | 1 | 2 | 3, ...says: RegExp[]): void {
  const { stdout, stderr } = result;
  strictEqual(result.code, code, shown(result));
  strictEqual(result.signal, null, shown(result));
  const lines = stderr.split("\n").slice(0, -1);
  strictEqual(`${lines.join("\n")}${lines.length > 0 ? "\n" : ""}`, stderr, "ends with a newline");
  for (const line of lines) match(line, /^edgekeyd: \S/, shown(result));
  const told = lines.filter((line) => !line.startsWith("edgekeyd: note: "));
  strictEqual(told.length, code === 0 ? 0 : 1, shown(result));
  strictEqual((stdout + stderr).includes("\x1b"), false, "no escape codes");
  if (code === 2) strictEqual(stdout, "", shown(result));
  for (const text of says) match(told[0] ?? stderr, text, shown(result));
}

/**
 * Reads the one JSON object of a `--reconcile -o json` run, and holds it to the contract's
 * members and their types.
 *
 * @param result the run
 * @param options `dryRun`: it must have a plan
 */
export function reportOf(result: EdgekeydResult, { dryRun = false } = {}): Report {
  const { stdout } = result;
  match(stdout, /^\{.*\}\n$/, shown(result));
  const raw: Record<string, unknown> = JSON.parse(stdout);
  const members = dryRun ? [...MEMBERS, "plan"] : [...MEMBERS];
  if (result.args.includes("--adopt") && "unclaimed" in raw) members.push("unclaimed");
  if ("notPut" in raw) members.push("notPut");
  if ("busy" in raw) members.push("busy");
  if ("secretsLeftOut" in raw) {
    members.push("secretsLeftOut");
    ok(Number(raw.secretsLeftOut) > 0, "only if there are any");
  }
  if (raw.status === "failed") members.push("failure");
  deepStrictEqual(Object.keys(raw).sort(), members.toSorted(), shown(result));
  for (const name of COUNTS) isCount(raw[name], name);
  isCount(raw.secretsLeftOut ?? 0, "secretsLeftOut");
  strictEqual(typeof raw.staged, "boolean");
  match(String(raw.status), /^(in-step|partial|failed)$/);
  isCount(raw.durationMs, "durationMs");
  const report = raw as unknown as Report;
  deepStrictEqual(Object.keys(report.phasesMs), ["recover", "scan", "plan", "commit"]);
  for (const [name, ms] of Object.entries(report.phasesMs)) isCount(ms, name);
  const texts = [report.revision, report.clusterId];
  for (const text of texts) {
    match(text, report.status === "failed" ? /^[0-9]*$/ : /^[1-9][0-9]*$/, shown(result));
  }
  eachHas(report.conflicts, { key: "string", reason: "string" });
  eachHas(report.invalid, { path: "string", reason: "string" });
  eachHas(report.notPut ?? [], { key: "string", path: "string", reason: "string" });
  for (const group of report.busy ?? []) match(group, /^[^/]+\/[^/]+$/);
  for (const { secrets, ...held } of report.heldBack) {
    eachHas([held], { component: "string", deletes: "number" });
    if (secrets !== undefined) isCount(secrets, "secrets");
  }
  if (report.status === "failed") {
    const failure = raw.failure as { code: string; message: string };
    eachHas([failure], { code: "string", message: "string" });
    const { message } = failure;
    ok(result.stderr.endsWith(`edgekeyd: ${message}\n`), shown(result));
  }
  if (dryRun) {
    ok(report.plan);
    eachHas(report.plan, { key: "string", action: "string", owner: "string", reason: "string" });
  }
  return report;
}

function isCount(value: unknown, name: string): void {
  ok(typeof value === "number" && Number.isSafeInteger(value) && value >= 0, `${name}: ${value}`);
}

function eachHas(items: readonly object[], members: Readonly<Record<string, string>>): void {
  ok(Array.isArray(items));
  for (const item of items) {
    deepStrictEqual(Object.keys(item), Object.keys(members));
    for (const [name, value] of Object.entries(item)) strictEqual(typeof value, members[name]);
  }
}
