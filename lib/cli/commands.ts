import { nearestName } from "../nearest_name.ts";
import { FLAGS } from "./flags.ts";
import type { Options } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";

/** What a command does; `words` are what follows its name. Returns the exit status. */
export type Command = (
  options: Options,
  terminal: Terminal,
  words: readonly string[],
) => Promise<number>;

/** What every command has: the one place where its name, its arguments and its help stand. */
export interface CommandUse {
  /** As a user would write it. */
  readonly usage: string;
  readonly help: string;
  /** How many words follow the command's name: at least and at most. */
  readonly takes: readonly [number, number];
}

/** A command that does something. */
export interface CommandEntry extends CommandUse {
  /** It writes nothing, whatever the flags are. */
  readonly readsOnly?: true;
  /**
   * Each is loaded when it is asked for: it need not wait for what others need, the daemon's API,
   * say, or its metrics.
   */
  load(): Promise<Command>;
}

/** All commands that do something, by name, in the order in which `--help` shows them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  "run": {
    usage: "[run]",
    help: "the daemon: keep etcd in step as the fs cache changes",
    takes: [0, 0],
    load: async () => (await import("./run_command.ts")).runCommand,
  },
  "reconcile": {
    usage: "reconcile",
    help: FLAGS.reconcile.help,
    takes: [0, 0],
    load: async () => (await import("./reconcile_command.ts")).reconcileCommand,
  },
  "status": {
    usage: "status",
    help: "how the node is doing: daemon, etcd, keys by component, what to do",
    takes: [0, 0],
    readsOnly: true,
    load: async () => (await import("./status_command.ts")).statusCommand,
  },
  "check": {
    usage: "check",
    help: "whether settings, files, etcd, rights and the unit fit together; what to do if not",
    takes: [0, 0],
    readsOnly: true,
    load: async () => (await import("./check_command.ts")).checkCommand,
  },
  "keys": {
    usage: "keys [COMPONENT [GVR]]",
    help: "object keys from the component-key cache, one a line",
    takes: [0, 2],
    readsOnly: true,
    load: async () => (await import("./key_commands.ts")).keysCommand,
  },
  "owners": {
    usage: "owners KEY",
    help: "the components that hold an object key; exit 1 if there are none",
    takes: [1, 1],
    readsOnly: true,
    load: async () => (await import("./key_commands.ts")).ownersCommand,
  },
  "verify": {
    usage: "verify",
    help: "compare etcd with the component-key cache; write nothing; exit 3 if they differ",
    takes: [0, 0],
    readsOnly: true,
    load: async () => (await import("./verify_command.ts")).verifyCommand,
  },
  "nodes": {
    usage: "nodes",
    help: "the nodes that wrote to the pool's etcd: alive or not, since when, version",
    takes: [0, 0],
    readsOnly: true,
    load: async () => (await import("./nodes_command.ts")).nodesCommand,
  },
  "delete-component": {
    usage: "delete-component NAME",
    help: "let go of a component that the fs cache no longer has",
    takes: [1, 1],
    load: async () => (await import("./leave_commands.ts")).deleteComponentCommand,
  },
  "delete-unclaimed": {
    usage: "delete-unclaimed KEY...",
    help: "delete what importers wrote and no component here owns",
    takes: [1, Infinity],
    load: async () => (await import("./leave_commands.ts")).deleteUnclaimedCommand,
  },
  "import-key-cache": {
    usage: "import-key-cache FILE",
    help: "take over the keys that OpenYurt's own etcd storage recorded",
    takes: [1, 1],
    load: async () => (await import("./import_command.ts")).importKeyCacheCommand,
  },
  "retire": {
    usage: "retire",
    help: "delete every key that this node wrote, then its fence",
    takes: [0, 0],
    load: async () => (await import("./leave_commands.ts")).retireCommand,
  },
};

/** Commands that print a text and look at nothing, by name: `--help` shows them last. */
export const TEXT_COMMANDS = {
  "help": {
    usage: "help [COMMAND]",
    help: "show all commands and flags, or one command with its flags",
    takes: [0, 1],
  },
  "completion": {
    usage: "completion bash|zsh|fish",
    help: "print what makes this shell complete commands and flags",
    takes: [1, 1],
  },
  "version": { usage: "version", help: "show the version", takes: [0, 0] },
} as const satisfies Record<string, CommandUse>;

/** The name of a command that only prints a text. */
export type TextCommandName = keyof typeof TEXT_COMMANDS;

/** How every command is used, by name, in the order in which `--help` shows them. */
export const COMMAND_USES: Readonly<Record<string, CommandUse>> = { ...COMMANDS, ...TEXT_COMMANDS };

/**
 * Finds a command by its name.
 *
 * @param name what the user wrote
 * @param commands those to be found
 * @returns the one of that name
 * @throws {UsageError} if there is none, with the name that was most likely meant
 */
export function commandNamed<Entry extends CommandUse>(
  name: string,
  commands: Readonly<Record<string, Entry>>,
): Entry {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry) return entry;
  const shown = name.slice(0, 80);
  const nearest = nearestName(shown.toLowerCase(), Object.keys(COMMAND_USES));
  throw new UsageError(
    `unknown command ${JSON.stringify(shown)}; ` +
      (nearest === undefined ? "see --help" : `did you mean ${nearest}?`),
  );
}

/**
 * Checks that a command got as many words as it takes.
 *
 * @param name the command
 * @param use how it is used
 * @param words what follows its name
 * @throws {UsageError} if they are too few or too many
 */
export function checkWords(name: string, { takes, usage }: CommandUse, words: readonly string[]) {
  const [least, most] = takes;
  if (words.length >= least && words.length <= most) return;
  throw new UsageError(`wrong number of arguments for ${name}; usage: edgekeyd ${usage}`);
}
