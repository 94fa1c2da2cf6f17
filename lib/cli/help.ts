import { COMMANDS, RECONCILE } from "./commands.ts";
import type { Flag } from "./flag.ts";
import { envName, flag, FLAG_NAMES, type FlagName } from "./flags.ts";

/** The text of `--help`: commands, flags with their defaults, exit statuses. */
export function helpText(): string {
  const [run, ...others] = Object.values(COMMANDS);
  const commands = [...(run ? [run] : []), RECONCILE, ...others]
    .map(({ usage, help }) => [`edgekeyd ${usage}`, help] as const);
  const flags = FLAG_NAMES.map((name) => [flagUsage(name), flagHelp(name)] as const);
  return [
    "edgekeyd keeps the pool's etcd in step with an edge node's component cache.",
    "",
    "Usage:",
    ...twoColumns(commands),
    "",
    `Flags (each also from the environment, as ${envName("cache-dir")}):`,
    ...twoColumns(flags),
    "",
    "Exit status: 0 in step; 1 failed; 2 wrong flags; 3 in step but for what was held back, is in",
    "conflict, or is invalid.",
  ].join("\n");
}

function flagUsage(name: FlagName): string {
  const { alias } = flag(name);
  const value = valueName(flag(name));
  return `${alias ? `-${alias}, ` : ""}--${name}${value === "" ? "" : ` ${value}`}`;
}

/** What stands for a flag's value where its use is shown; empty if it takes none. */
function valueName(known: Flag): string {
  if (known.kind === "choice") return known.choices.join("|");
  return { boolean: "", text: "TEXT", list: "A,B", duration: "TIME", integer: "N" }[known.kind];
}

function flagHelp(name: FlagName): string {
  const known = flag(name);
  return known.default === undefined ? known.help : `${known.help} (default ${known.default})`;
}

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
