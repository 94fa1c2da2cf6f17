import { deleteUnclaimedKeys, recover } from "../store/mod.ts";
import { leave } from "./leave_commands.ts";
import type { Options } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/**
 * `edgekeyd delete-unclaimed KEY...`: deletes keys that importers wrote and no component here
 * owns.
 */
export async function deleteUnclaimedCommand(
  options: Options,
  terminal: Terminal,
  keys: readonly string[],
): Promise<number> {
  return await leave(options, terminal, async (context) => {
    await recover(context);
    return await deleteUnclaimedKeys(context, keys, { timed: (_, work) => work });
  }, (client) => client.deleteUnclaimed(keys));
}
