import { isJournal } from "../agent/mod.ts";
import { type Arguments, parseArguments } from "./arguments.ts";
import { deleteUnclaimedCommand } from "./delete_unclaimed_command.ts";
import { EXIT } from "./exit_code.ts";
import { type FlagName, readBoolean } from "./flags.ts";
import { helpText } from "./help.ts";
import { importKeyCacheCommand } from "./import_command.ts";
import { presentable } from "./internal_error.ts";
import { keysCommand, ownersCommand } from "./key_commands.ts";
import { deleteComponentCommand, retireCommand } from "./leave_commands.ts";
import { type Options, readOptions } from "./options.ts";
import { reconcileCommand } from "./reconcile_command.ts";
import { runCommand } from "./run_command.ts";
import { statusCommand } from "./status_command.ts";
import { lineByLine, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";
import { verifyCommand } from "./verify_command.ts";
import { versionText } from "./version.ts";

/** What a command line needs of the process that it runs in. */
export interface Process {
  readonly env: (name: string) => string | undefined;
  readonly hostname: () => string;
  readonly terminal: Terminal;
}

/**
 * Runs one command line.
 *
 * @param args the arguments, without the program's name
 * @param process environment, host name, terminal
 * @returns the exit status, see {@linkcode EXIT}
 */
export async function main(args: readonly string[], process: Process): Promise<number> {
  const terminal = lineByLine(process.terminal);
  try {
    const parsed = parseArguments(args, process.env);
    if (isSet(parsed, "help")) {
      for (const line of helpText().split("\n")) terminal.out(line);
      return EXIT.ok;
    }
    if (isSet(parsed, "version")) {
      terminal.out(versionText());
      return EXIT.ok;
    }
    return await dispatch(parsed.words, readOptions(parsed, process.hostname), terminal);
  } catch (error) {
    const priority = isJournal(process.env) ? "<3>" : "";
    terminal.err(`${priority}edgekeyd: ${presentable(error).message}`);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

function isSet({ texts }: Arguments, name: FlagName): boolean {
  const given = texts.get(name);
  return given !== undefined && readBoolean(given.source, given.text);
}

async function dispatch(
  words: readonly string[],
  options: Options,
  terminal: Terminal,
): Promise<number> {
  const [command, ...rest] = words;
  const takes = (least: number, most: number) => {
    if (rest.length < least || rest.length > most) {
      throw new UsageError(`wrong number of arguments for ${command}; see --help`);
    }
  };
  if (options.reconcile) {
    if (command !== undefined) throw new UsageError("--reconcile takes no command beside it");
    return await reconcileCommand(options, terminal);
  }
  switch (command) {
    case "keys":
      takes(0, 2);
      return await keysCommand(options, rest, terminal);
    case "owners":
      takes(1, 1);
      return await ownersCommand(options, rest[0] ?? "", terminal);
    case "status":
      takes(0, 0);
      return await statusCommand(options, terminal);
    case "verify":
      takes(0, 0);
      return await verifyCommand(options, terminal);
    case "delete-component":
      takes(1, 1);
      return await deleteComponentCommand(options, rest[0] ?? "", terminal);
    case "delete-unclaimed":
      takes(1, Infinity);
      return await deleteUnclaimedCommand(options, rest, terminal);
    case "import-key-cache":
      takes(1, 1);
      return await importKeyCacheCommand(options, rest[0] ?? "", terminal);
    case "retire":
      takes(0, 0);
      return await retireCommand(options, terminal);
    case undefined:
    case "run":
      takes(0, 0);
      return await runCommand(options, terminal);
    default:
      throw new UsageError(`unknown command ${JSON.stringify(command.slice(0, 80))}; see --help`);
  }
}
