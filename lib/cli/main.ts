import { type Arguments, parseArguments } from "./arguments.ts";
import { checkWords, TEXT_COMMANDS, type TextCommandName } from "./commands.ts";
import { completionText } from "./completion.ts";
import { EXIT } from "./exit_code.ts";
import { readFlag } from "./flag_values.ts";
import { commandHelp, helpText } from "./help.ts";
import { presentable } from "./internal_error.ts";
import { tellLost } from "./lost_output.ts";
import { lineByLine, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";
import { versionText } from "./version.ts";

/** What a command line needs of the process that it runs in. */
export interface Process {
  readonly env: (name: string) => string | undefined;
  /** The names of all variables, as far as they can be listed. */
  readonly envNames: () => readonly string[];
  readonly hostname: () => string;
  readonly terminal: Terminal;
}

/**
 * Runs one command line. One without any word, flag or setting is answered with the help: somebody
 * who only looks must not start what writes to an etcd.
 *
 * @param args the arguments, without the program's name
 * @param process environment, host name, terminal
 * @returns the exit status, see {@linkcode EXIT}
 */
export async function main(args: readonly string[], process: Process): Promise<number> {
  let [isJson, isSaid] = [false, false];
  let told = (line: string) => line;
  const terminal = lineByLine({
    ...process.terminal,
    out(line) {
      isSaid = true;
      process.terminal.out(told(line));
    },
    err: (line) => process.terminal.err(told(line)),
    get lost() {
      return process.terminal.lost;
    },
  });
  try {
    const parsed = parseArguments(args, process.env);
    isJson = readFlag(parsed, "output") === "json";
    const text = textAskedFor(parsed);
    if (text !== undefined) return printed(text, terminal);
    // What the answers above need not wait for.
    const { checkEnvironment, isService } = await import("./environment.ts");
    const { namingStateDir } = await import("./named_state_dir.ts");
    told = namingStateDir(readFlag(parsed, "state-dir"));
    checkEnvironment(process.envNames());
    if (parsed.words.length === 0 && parsed.texts.size === 0 && !isService(process.env)) {
      return printed(helpText(), terminal);
    }
    const { runCommandLine } = await import("./command_line.ts");
    return await runCommandLine(parsed, process.hostname, terminal);
  } catch (error) {
    const { isJournal } = await import("./journal.ts");
    const priority = isJournal(process.env) ? "<3>" : "";
    const { code, message } = presentable(error);
    // What was said has the failure in it, if it is one of what was asked for.
    if (isJson && !isSaid && !(error instanceof UsageError)) {
      terminal.out(JSON.stringify({ failure: { code, message } }));
    }
    terminal.err(`${priority}edgekeyd: ${message}`);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

/** The text that answers a command line, if it asks for nothing else. */
function textAskedFor(parsed: Arguments): string | undefined {
  const [name = readFlag(parsed, "reconcile") ? "reconcile" : undefined, ...words] = parsed.words;
  if (readFlag(parsed, "help")) return name === undefined ? helpText() : commandHelp(name);
  if (readFlag(parsed, "version")) return versionText();
  if (name === undefined || !Object.hasOwn(TEXTS, name)) return undefined;
  const asked = name as TextCommandName;
  checkWords(asked, TEXT_COMMANDS[asked], words);
  return TEXTS[asked](words[0]);
}

/** What commands print that look at nothing. */
const TEXTS: Readonly<Record<TextCommandName, (word: string | undefined) => string>> = {
  help: (command) => command === undefined ? helpText() : commandHelp(command),
  completion: (shell = "") => completionText(shell),
  version: versionText,
};

function printed(text: string, terminal: Terminal): number {
  for (const line of text.split("\n")) terminal.out(line);
  return tellLost(terminal, EXIT.ok, false);
}
