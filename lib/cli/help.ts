import { envName, flag, FLAG_NAMES, type FlagName } from "./flags.ts";

const COMMANDS: readonly (readonly [string, string])[] = [
  ["[run]", "the daemon: keep etcd in step as the fs cache changes"],
  ["--reconcile", "bring etcd in step with the fs cache once, then exit"],
  ["status", "how the node is doing: daemon, etcd, keys by component, what to do"],
  ["keys [COMPONENT [GVR]]", "object keys from the component-key cache, one a line"],
  ["owners KEY", "the components that hold an object key"],
  ["verify", "hold etcd against the component-key cache; write nothing"],
  ["delete-component NAME", "let go of a component that the fs cache no longer has"],
  ["delete-unclaimed KEY...", "delete what importers wrote and no component here owns"],
  ["import-key-cache FILE", "take over the keys that OpenYurt's own etcd storage recorded"],
  ["retire", "delete every key that this node wrote, then its fence"],
];

/** The text of `--help`: commands, flags with their defaults, exit statuses. */
export function helpText(): string {
  const commands = COMMANDS.map(([usage, what]) => `  edgekeyd ${usage.padEnd(24)}${what}`);
  const flags = FLAG_NAMES.map((name) => `  ${flagUsage(name).padEnd(32)}${flagHelp(name)}`);
  return [
    "edgekeyd keeps the pool's etcd in step with an edge node's component cache.",
    "",
    "Usage:",
    ...commands,
    "",
    `Flags (each also from the environment, as ${envName("cache-dir")}):`,
    ...flags,
    "",
    "Exit status: 0 in step; 1 failed; 2 wrong flags; 3 in step but for what was held back, is in",
    "conflict, or is invalid.",
  ].join("\n");
}

function flagUsage(name: FlagName): string {
  const { kind, alias, choices } = flag(name);
  const value = { text: "TEXT", list: "A,B", duration: "TIME", integer: "N" };
  const what = kind === "boolean"
    ? ""
    : kind === "choice"
    ? ` ${choices?.join("|")}`
    : ` ${value[kind]}`;
  return `${alias ? `-${alias}, ` : ""}--${name}${what}`;
}

function flagHelp(name: FlagName): string {
  const known = flag(name);
  return known.default === undefined ? known.help : `${known.help} (default ${known.default})`;
}
