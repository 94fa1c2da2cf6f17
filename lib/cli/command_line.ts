import type { Arguments } from "./arguments.ts";
import { checkWords, type CommandEntry, commandNamed, COMMANDS } from "./commands.ts";
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
  const [name = reconcile ? "reconcile" : "run", ...words] = args.words;
  const command = commandNamed(name, COMMANDS);
  checkFlags(args, options, command);
  checkWords(name, command, words);
  if (command === COMMANDS.run) checkEtcdIsNamed(options);
  const run = await command.load();
  const code = await run(options, terminal, words);
  return tellLost(terminal, code, !command.readsOnly && !options.dryRun);
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
