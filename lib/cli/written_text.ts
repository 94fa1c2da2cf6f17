import { type Answers, ClientError } from "../agent/mod.ts";
import { EXIT } from "./exit_code.ts";
import { noteOn } from "./find_node.ts";
import type { Options } from "./options.ts";
import { plural } from "../plural.ts";
import { printAnswer } from "./output.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Says what came of a write that deletes keys by name.
 *
 * @param writing the write
 * @param options the flags
 * @param terminal where to say it
 * @returns the exit status
 * @throws what the write fails with, once it is said what was done until then
 */
export async function tellWritten(
  writing: Promise<Answers["Written"]>,
  options: Options,
  terminal: Terminal,
): Promise<number> {
  let done: Answers["Written"];
  try {
    done = await writing;
  } catch (error) {
    if (error instanceof ClientError && error.written) {
      const { code, message } = error;
      print({ ...error.written, failure: { code, message } }, options, terminal);
    }
    throw error;
  }
  print(done, options, terminal);
  const { deleted, released, conflicts } = done;
  if (deleted + released + conflicts.length === 0) {
    noteOn(terminal)("there was nothing to delete");
  }
  const [first] = conflicts;
  if (!first) return EXIT.ok;
  terminal.err(
    `edgekeyd: left in etcd: ${plural(conflicts.length, "key")} (${first.key}: ${first.reason}); ` +
      "delete them by hand if they are not wanted",
  );
  return EXIT.partial;
}

/** What was done, and why it ended before it was all done. */
interface Done extends Omit<Answers["Written"], "revision"> {
  readonly failure?: { readonly code: string; readonly message: string };
}

function print(done: Done, options: Options, terminal: Terminal): void {
  const { deleted, released, conflicts, txns, staged, failure } = done;
  const answer = { deleted, released, conflicts, txns, staged, ...(failure && { failure }) };
  printAnswer(options, terminal, answer, () => {
    for (const { key, reason } of conflicts) terminal.out(`conflict   ${key}: ${reason}`);
    const inStages = staged ? " (staged)" : "";
    terminal.out(`${deleted} deleted, ${released} released; ${plural(txns, "Txn")}${inStages}`);
  });
}
