import type { Arguments } from "./arguments.ts";
import { type Options, readOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";

/** What a command does; `words` are what follows its name. Returns the exit status. */
type Command = (options: Options, terminal: Terminal, words: readonly string[]) => Promise<number>;

interface Entry {
  /** How many words follow the command's name: at least and at most. */
  readonly takes: readonly [number, number];
  load(): Promise<Command>;
}

/**
 * All commands by name. Each is loaded when it is asked for: it need not wait for what others
 * need, the daemon's API, say, or its metrics.
 */
const COMMANDS: Readonly<Record<string, Entry>> = {
  "run": {
    takes: [0, 0],
    load: async () => (await import("./run_command.ts")).runCommand,
  },
  "status": {
    takes: [0, 0],
    load: async () => (await import("./status_command.ts")).statusCommand,
  },
  "keys": {
    takes: [0, 2],
    load: async () => (await import("./key_commands.ts")).keysCommand,
  },
  "owners": {
    takes: [1, 1],
    load: async () => (await import("./key_commands.ts")).ownersCommand,
  },
  "verify": {
    takes: [0, 0],
    load: async () => (await import("./verify_command.ts")).verifyCommand,
  },
  "delete-component": {
    takes: [1, 1],
    load: async () => (await import("./leave_commands.ts")).deleteComponentCommand,
  },
  "delete-unclaimed": {
    takes: [1, Infinity],
    load: async () => (await import("./delete_unclaimed_command.ts")).deleteUnclaimedCommand,
  },
  "import-key-cache": {
    takes: [1, 1],
    load: async () => (await import("./import_command.ts")).importKeyCacheCommand,
  },
  "retire": {
    takes: [0, 0],
    load: async () => (await import("./leave_commands.ts")).retireCommand,
  },
};

/**
 * Runs the command that a command line names; the daemon, if it names none.
 *
 * @param args the command line
 * @param hostname the default of `--node-name`
 * @param terminal where it prints
 * @returns the exit status
 * @throws {UsageError} if a flag is wrong, there is no such command, or it takes other arguments
 */
export async function runCommandLine(
  args: Arguments,
  hostname: () => string,
  terminal: Terminal,
): Promise<number> {
  const options = readOptions(args, hostname);
  const [name, ...words] = args.words;
  if (options.reconcile) {
    if (name !== undefined) throw new UsageError("--reconcile takes no command beside it");
    const { reconcileCommand } = await import("./reconcile_command.ts");
    return await reconcileCommand(options, terminal);
  }
  const command = commandOf(name ?? "run");
  const [least, most] = command.takes;
  if (words.length < least || words.length > most) {
    throw new UsageError(`wrong number of arguments for ${name}; see --help`);
  }
  const run = await command.load();
  return await run(options, terminal, words);
}

function commandOf(name: string): Entry {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry) return entry;
  throw new UsageError(`unknown command ${JSON.stringify(name.slice(0, 80))}; see --help`);
}
