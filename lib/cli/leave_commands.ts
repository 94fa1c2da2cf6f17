import { RetiredError } from "../reconcile/mod.ts";
import { findNode, noteOn } from "./find_node.ts";
import type { Options } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";
import { tellWritten } from "./written_text.ts";

/** `edgekeyd delete-component NAME`: lets a component go that the fs cache no longer has. */
export async function deleteComponentCommand(
  options: Options,
  terminal: Terminal,
  [component = ""]: readonly string[],
): Promise<number> {
  if (/[/\0]/.test(component) || component === "." || component === "..") {
    throw new UsageError("delete-component takes the name of a component");
  }
  const node = await findNode(options, terminal);
  const done = node.ask("DELETE /v1/components/{component}", { path: { component } });
  return await tellWritten(done, options, terminal);
}

/** `edgekeyd delete-unclaimed KEY...`: deletes what importers wrote and no component here owns. */
export async function deleteUnclaimedCommand(
  options: Options,
  terminal: Terminal,
  keys: readonly string[],
): Promise<number> {
  const node = await findNode(options, terminal);
  const done = node.ask("POST /v1/delete-unclaimed", { body: JSON.stringify(keys) });
  return await tellWritten(done, options, terminal);
}

/** `edgekeyd retire`: every key that this node wrote goes, then its fence. */
export async function retireCommand(options: Options, terminal: Terminal): Promise<number> {
  const node = await findNode(options, terminal);
  const code = await tellWritten(node.ask("POST /v1/retire"), options, terminal);
  noteOn(terminal)(`this node has left the pool; ${RetiredError.ADVICE}`);
  return code;
}
