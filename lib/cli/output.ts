import type { Options } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** How an answer is printed, by what `--output` says. */
const PRINT: Readonly<
  Record<Options["output"], (terminal: Terminal, answer: object, text: () => void) => void>
> = {
  text: (_terminal, _answer, text) => text(),
  json: (terminal, answer) => terminal.out(JSON.stringify(answer)),
};

/**
 * Prints what a command was answered, as `--output` says.
 *
 * @param options the flags
 * @param terminal where to print
 * @param answer the answer, for programs
 * @param text prints it for a person
 */
export function printAnswer(
  { output }: Pick<Options, "output">,
  terminal: Terminal,
  answer: object,
  text: () => void,
): void {
  PRINT[output](terminal, answer, text);
}
