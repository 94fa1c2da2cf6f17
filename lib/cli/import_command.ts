import { KeyCacheFileError } from "../keycache/mod.ts";
import { EXIT } from "./exit_code.ts";
import { findNode, noteOn } from "./find_node.ts";
import type { Options } from "./options.ts";
import { printAnswer } from "./output.ts";
import { plural } from "../plural.ts";
import { readRegularFile, whyUnread } from "../regular_file.ts";
import type { Terminal } from "./terminal.ts";

/** Far more than any node records, and what a daemon takes in one request. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;

/**
 * `edgekeyd import-key-cache FILE`: takes over the keys that OpenYurt's own etcd storage recorded
 * for this node.
 */
export async function importKeyCacheCommand(
  options: Options,
  terminal: Terminal,
  [path = ""]: readonly string[],
): Promise<number> {
  const text = read(path);
  const node = await findNode(options, terminal);
  const done = await node.ask("POST /v1/import-key-cache", { body: text });
  const { taken, held, absent, left } = done;
  printAnswer(options, terminal, done, () => {
    for (const { key, reason } of left) terminal.out(`left  ${key}: ${reason}`);
    terminal.out(
      `${plural(taken, "key")} taken over, ${held} already held, ${absent} not in etcd`,
    );
  });
  if (taken > 0) {
    noteOn(terminal)(
      `nothing was written to etcd yet, ${node.nextPass} will; ` +
        "`edgekeyd --reconcile --dry-run` shows what",
    );
  }
  const [first] = left;
  if (!first) return EXIT.ok;
  terminal.err(
    `edgekeyd: ${plural(left.length, "key")} not taken over (${first.key}: ${first.reason}); ` +
      "`edgekeyd delete-unclaimed KEY...` deletes what an importer wrote and nobody needs",
  );
  return EXIT.partial;
}

function read(path: string): string {
  try {
    return new TextDecoder().decode(readRegularFile(path, MAX_FILE_BYTES));
  } catch (error) {
    throw new KeyCacheFileError(`cannot read ${path}: ${whyUnread(error)}`, { cause: error });
  }
}
