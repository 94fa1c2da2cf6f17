import { nearestName } from "../nearest_name.ts";
import type { Arguments } from "./arguments.ts";
import { type CommandEntry, COMMANDS, RECONCILE } from "./commands.ts";
import { flag, FLAG_NAMES } from "./flags.ts";
import { type Options, readOptions } from "./options.ts";
import { checkEtcdIsNamed } from "./remembered.ts";
import { tellLost } from "./lost_output.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Runs the command that a command line names; the daemon, if it names none.
 *
 * @param args the command line
 * @param hostname the default of `--node-name`
 * @param terminal where it prints
 * @returns the exit status
 * @throws {UsageError} if a flag is wrong, there is no such command, or the command takes other
 * flags or arguments
 */
export async function runCommandLine(
  args: Arguments,
  hostname: () => string,
  terminal: Terminal,
): Promise<number> {
  const options = readOptions(args, hostname);
  const { reconcile } = options;
  if (reconcile && args.words.length > 0) {
    throw new UsageError("--reconcile takes no command beside it");
  }
  const [name = "run", ...words] = args.words;
  const command = reconcile ? RECONCILE : commandOf(name);
  checkFlags(args, options, command);
  const [least, most] = command.takes;
  if (words.length < least || words.length > most) {
    throw new UsageError(`wrong number of arguments for ${name}; see --help`);
  }
  if (command === COMMANDS.run) checkEtcdIsNamed(options);
  const run = await command.load();
  const code = await run(options, terminal, words);
  return tellLost(terminal, code, !command.readsOnly && !options.dryRun);
}

/** Flags that do what a command would. */
const FLAGS_LIKE_COMMANDS = ["--reconcile", "--help", "--version"];

function commandOf(name: string): CommandEntry {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry) return entry;
  const shown = name.slice(0, 80);
  // These are flags, and easily taken for commands.
  const flags = new Map(FLAGS_LIKE_COMMANDS.map((flag) => [flag.slice(2), flag]));
  const nearest = nearestName(shown.toLowerCase(), [...Object.keys(COMMANDS), ...flags.keys()]);
  throw new UsageError(
    `unknown command ${JSON.stringify(shown)}; ` +
      (nearest === undefined ? "see --help" : `did you mean ${flags.get(nearest) ?? nearest}?`),
  );
}

/** Refuses flags that do not go with the command. */
function checkFlags({ texts }: Arguments, options: Options, command: CommandEntry): void {
  const { reconcile, confirmDeletes, dryRun } = options;
  const isRun = command === COMMANDS.run;
  if (confirmDeletes && isRun) {
    throw new UsageError(
      "--confirm-deletes (or EDGEKEYD_CONFIRM_DELETES) confirms once and does not go with run; " +
        "beside the daemon run `edgekeyd --reconcile --confirm-deletes`",
    );
  }
  for (const name of FLAG_NAMES) {
    const { only } = flag(name);
    if (only === undefined || !texts.get(name)?.explicit) continue;
    if (reconcile ? only === "run" : !isRun || only === "reconcile") {
      throw new UsageError(
        `--${name} goes with ` +
          { reconcile: "--reconcile", run: "run", sync: "--reconcile or run" }[only],
      );
    }
  }
  if (dryRun && !reconcile && !command.readsOnly) {
    const [word] = command.usage.replace(/[[\]]/g, "").split(" ");
    throw new UsageError(`--dry-run (or EDGEKEYD_DRY_RUN) goes with --reconcile, not ${word}`);
  }
}
