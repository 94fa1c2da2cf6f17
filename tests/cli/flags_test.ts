import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { COMMAND_USES } from "../../lib/cli/commands.ts";
import { optionName } from "../../lib/cli/flag_values.ts";
import type { Flag } from "../../lib/cli/flag.ts";
import { envName, flag, FLAG_NAMES, FLAGS } from "../../lib/cli/flags.ts";
import { helpText } from "../../lib/cli/help.ts";
import { type Options, readOptions } from "../../lib/cli/options.ts";
import { reconcileOptionsOf } from "../../lib/cli/reconcile_options.ts";
import { differencesOf, settingsOf } from "../../lib/cli/settings.ts";
import { txnBudget } from "../../lib/etcd/mod.ts";
import { USUAL_GUARD } from "../../lib/reconcile/mod.ts";
import { CONFLICT_POLICIES, USUAL_TXN } from "../../lib/store/mod.ts";

/** Shown elsewhere: one is a command, the others are what a user tries first. */
const NOT_IN_REFERENCE = ["reconcile", "help", "version"];

/** The rows of the table in a page whose first column is headed so, cell by cell. */
function tableOf(page: string, heading: string): string[][] {
  const lines = Deno.readTextFileSync(new URL(`../../${page}`, import.meta.url)).split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} `));
  ok(start >= 0, `${page} has a table of ${heading}s`);
  const length = lines.slice(start).findIndex((line) => !line.startsWith("|"));
  return lines.slice(start + 2, start + length).map((line) =>
    line.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"))
  );
}

/** What stands for a flag's value. */
function valueOf(known: Flag): string {
  if (known.kind === "boolean") return "";
  if (known.kind === "choice") return ` ${known.choices.join("|")}`;
  return { text: " TEXT", list: " A,B", duration: " TIME", integer: " N" }[known.kind];
}

function optionsOf(...args: string[]): Options {
  return readOptions(parseArguments(args, () => undefined), () => "n1");
}

Deno.test("the reference's table of flags is the table that flags are read by", () => {
  const expected = FLAG_NAMES.filter((name) => !NOT_IN_REFERENCE.includes(name)).map((name) => {
    const known = flag(name);
    const alias = known.alias === undefined ? "" : `, \`-${known.alias}\``;
    const byDefault = known.default === undefined ? "" : `\`${known.default}\``;
    return [`\`--${name}${valueOf(known)}\`${alias}`, byDefault, known.help];
  });
  deepStrictEqual(tableOf("docs/reference.md", "flag"), expected);
});

Deno.test("the reference's table of commands is the table that commands are found by", () => {
  deepStrictEqual(
    tableOf("docs/reference.md", "command"),
    Object.values(COMMAND_USES).map(({ usage, help }) => [`\`${usage}\``, help]),
  );
});

Deno.test("README's ten settings are variables of flags, with the flags' defaults", () => {
  const rows = tableOf("README.md", "setting");
  const defaults = new Map(FLAG_NAMES.map((name) => [`\`${envName(name)}\``, flag(name).default]));
  strictEqual(new Set(rows.map(([setting]) => setting)).size, 10);
  for (const [setting = "", byDefault] of rows) {
    ok(defaults.has(setting), setting);
    const expected = defaults.get(setting);
    strictEqual(byDefault, expected === undefined ? "" : `\`${expected}\``, setting);
  }
});

Deno.test("--help has a line for each flag and each command, with default and description", () => {
  const lines = helpText().split("\n").map((line) => line.trim().replace(/ {2,}/g, "  "));
  for (const name of FLAG_NAMES) {
    const known = flag(name);
    const use = `${known.alias === undefined ? "" : `-${known.alias}, `}--${name}${valueOf(known)}`;
    const byDefault = known.default === undefined ? "" : ` (default ${known.default})`;
    const found = lines.filter((line) => line.split(/ {2}/)[0] === use);
    deepStrictEqual(found, [`${use}  ${known.help}${byDefault}`]);
  }
  for (const { usage, help } of Object.values(COMMAND_USES)) {
    ok(lines.some((line) => line === `edgekeyd ${usage}  ${help}`), usage);
  }
});

Deno.test("every choice of a flag is read as itself, and its default is one of them", () => {
  let choices = 0;
  for (const name of FLAG_NAMES) {
    const known = flag(name);
    if (known.kind !== "choice") continue;
    ok(known.choices.includes(known.default), name);
    const read = (...args: string[]) => new Map(Object.entries(optionsOf(...args)));
    strictEqual(read().get(optionName(name)), known.default);
    for (const choice of known.choices) {
      strictEqual(read(`--${name}=${choice}`).get(optionName(name)), choice);
      choices++;
    }
  }
  ok(choices > 0);
});

Deno.test("--conflict-policy has a choice for each of CONFLICT_POLICIES", () => {
  deepStrictEqual([...FLAGS["conflict-policy"].choices], [...CONFLICT_POLICIES]);
});

Deno.test("what holds where nobody says anything else is what the flags have by default", () => {
  const options = optionsOf("--reconcile");
  const { maxDeletePercent, confirmDeletes } = reconcileOptionsOf(options);
  deepStrictEqual({ maxDeletePercent, confirmDeletes }, USUAL_GUARD);
  const { etcdMaxTxnOps: maxTxnOps, etcdMaxRequestBytes } = options;
  deepStrictEqual({ maxTxnOps, requestBytes: txnBudget(etcdMaxRequestBytes) }, USUAL_TXN);
});

Deno.test("options have a value for each flag that has a default, read by its kind", () => {
  const read = new Map(Object.entries(optionsOf()));
  const types = { text: "string", integer: "number", duration: "number", choice: "string" };
  for (const name of FLAG_NAMES) {
    const known = flag(name);
    // Options have these under other names, or as another type.
    if (name === "listen" || name === "etcd-servers") continue;
    const value = read.get(optionName(name));
    if (known.kind === "boolean") strictEqual(value, false, name);
    else if (known.kind === "list") strictEqual(value, undefined, name);
    else if (known.default !== undefined) strictEqual(typeof value, types[known.kind], name);
  }
  const { settleTimeMs, etcdTimeoutMs, maxDeletePercent, maxObjectBytes, components } = optionsOf(
    "--settle-time=1.5s",
    "--etcd-timeout=1m",
    "--etcd-max-request-bytes=4096",
    "--components=a, b",
  );
  deepStrictEqual(
    { settleTimeMs, etcdTimeoutMs, maxDeletePercent, maxObjectBytes, components },
    {
      settleTimeMs: 1_500,
      etcdTimeoutMs: 60_000,
      maxDeletePercent: 50,
      maxObjectBytes: 4_096,
      components: new Set(["a", "b"]),
    },
  );
  strictEqual(envName("cache-dir"), "EDGEKEYD_CACHE_DIR");
});

Deno.test("a flag that is a setting of the daemon is shown as one, and noted where it differs", () => {
  const daemon = settingsOf(optionsOf());
  for (const name of FLAG_NAMES) {
    const known = flag(name);
    const byDefault = known.default ?? undefined;
    const expected = known.setting ? byDefault : undefined;
    strictEqual(daemon[name], expected, name);
  }
  deepStrictEqual(differencesOf(optionsOf("--conflict-policy=skip", "--lock-timeout=1s"), daemon), [
    "the running daemon has --conflict-policy=fresher, and that counts; stop it, or start it with " +
    "other flags",
  ]);
  ok(Object.values<Flag>(FLAGS).some(({ setting }) => setting));
});
