import { findNode } from "./find_node.ts";
import type { Options } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import { tellWritten } from "./written_text.ts";

/**
 * `edgekeyd delete-unclaimed KEY...`: deletes keys that importers wrote and no component here
 * owns.
 */
export async function deleteUnclaimedCommand(
  options: Options,
  terminal: Terminal,
  keys: readonly string[],
): Promise<number> {
  const node = await findNode(options, terminal);
  return await tellWritten(node.deleteUnclaimed(keys), options, terminal);
}
