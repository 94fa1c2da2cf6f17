import { COMMAND_USES, commandNamed, COMMANDS } from "./commands.ts";
import type { Flag } from "./flag.ts";
import { envName, flag, FLAG_NAMES, type FlagName } from "./flags.ts";

const EXIT_STATUS = [
  "Exit status: 0 in step; 1 failed; 2 wrong flags; 3 in step but for what was held back, is in",
  "conflict, is invalid, or waits for a rewrite to end.",
];

/** The text of `--help`: commands, flags with their defaults, exit statuses. */
export function helpText(): string {
  const commands = Object.values(COMMAND_USES)
    .map(({ usage, help }) => [`edgekeyd ${usage}`, help] as const);
  return [
    "edgekeyd keeps the pool's etcd in step with an edge node's component cache.",
    "",
    "Usage:",
    ...twoColumns(commands),
    "",
    ...flagLines(FLAG_NAMES),
    "",
    ...EXIT_STATUS,
  ].join("\n");
}

/**
 * The text of `edgekeyd help COMMAND` and of `edgekeyd COMMAND --help`.
 *
 * @param name the command
 * @returns what it does, and the flags that go with it if it does more than print a text
 * @throws {UsageError} if there is no such command
 */
export function commandHelp(name: string): string {
  const { usage, help } = commandNamed(name, COMMAND_USES);
  const lines = [`Usage: edgekeyd ${usage}`, "", `  ${help}`];
  // One that only prints a text goes by no flag, and is never out of step.
  if (Object.hasOwn(COMMANDS, name)) {
    const flags = FLAG_NAMES.filter((known) => goesWith(name, known));
    lines.push("", ...flagLines(flags), "", ...EXIT_STATUS);
  }
  return lines.join("\n");
}

/** Tells whether a flag goes with a command; `--reconcile` stands for one itself. */
function goesWith(command: string, name: FlagName): boolean {
  const { only } = flag(name);
  if (name === "reconcile") return false;
  return only === undefined || only === command ||
    (only === "sync" && (command === "run" || command === "reconcile"));
}

function flagLines(names: readonly FlagName[]): string[] {
  return [
    `Flags (each also from the environment, as ${envName("cache-dir")}):`,
    ...twoColumns(names.map((name) => [flagUsage(name), flagHelp(name)] as const)),
  ];
}

/**
 * How a flag is written: `-o, --output text|json`.
 *
 * @param name the flag
 * @returns its alias, its name, and what stands for its value
 */
export function flagUsage(name: FlagName): string {
  const { alias } = flag(name);
  const value = valueName(flag(name));
  return `${alias ? `-${alias}, ` : ""}--${name}${value === "" ? "" : ` ${value}`}`;
}

/** What stands for a flag's value where its use is shown; empty if it takes none. */
function valueName(known: Flag): string {
  if (known.kind === "choice") return known.choices.join("|");
  return { boolean: "", text: "TEXT", list: "A,B", duration: "TIME", integer: "N" }[known.kind];
}

/**
 * What a flag does, and its default.
 *
 * @param name the flag
 * @returns a line without an end
 */
export function flagHelp(name: FlagName): string {
  const known = flag(name);
  return known.default === undefined ? known.help : `${known.help} (default ${known.default})`;
}

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
