import { EXIT } from "./exit_code.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Says that not all could be printed, if so: to a full disk, say. What was done counts more than
 * what could be said of it, so that only what does nothing but print fails by it; not even that,
 * if its reader has gone.
 *
 * @param terminal where it was printed
 * @param code the exit status that the work came to
 * @param works more was asked for than to print something
 * @returns the exit status
 */
export function tellLost(terminal: Terminal, code: number, works: boolean): number {
  const { lost } = terminal;
  if (!lost || (lost.isUnread && !works)) return code;
  terminal.err(`edgekeyd: can't print to stdout: ${lost.reason}; ${whatIsDone(code, works)}`);
  return works ? code : EXIT.failed;
}

function whatIsDone(code: number, works: boolean): string {
  if (!works) return "what was printed is not whole";
  if (code !== EXIT.ok) return "what came of it is said above";
  return "what was asked for is done all the same, as `edgekeyd status` shows";
}
