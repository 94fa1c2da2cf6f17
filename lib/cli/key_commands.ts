import { checkKnown, checkResource } from "../agent/mod.ts";
import { EXIT } from "./exit_code.ts";
import { findNode } from "./find_node.ts";
import type { Options } from "./options.ts";
import { printAnswer } from "./output.ts";
import type { Terminal } from "./terminal.ts";

/** `edgekeyd keys [component [gvr]]`: object keys from the cache, one a line. */
export async function keysCommand(
  options: Options,
  terminal: Terminal,
  [component, gvr]: readonly string[],
): Promise<number> {
  const node = await findNode(options, terminal, { anyFlags: true });
  const keys = await node.ask("GET /v1/keys", { query: { component, gvr } });
  if (keys.length === 0 && component !== undefined) {
    const known = await node.ask("GET /v1/components", { query: { known: true } });
    checkKnown(component, known.map((one) => one.component));
    const held = known.find((one) => one.component === component)?.resources ?? [];
    if (gvr !== undefined) checkResource(component, gvr, held.map((one) => one.gvr));
  }
  printAnswer(options, terminal, keys, () => keys.forEach((key) => terminal.out(key)));
  return EXIT.ok;
}

/** `edgekeyd owners KEY`: who holds a key, one `component gvr` a line. */
export async function ownersCommand(
  options: Options,
  terminal: Terminal,
  [key = ""]: readonly string[],
): Promise<number> {
  const node = await findNode(options, terminal, { anyFlags: true });
  const owners = await node.ask("GET /v1/owners", { query: { key } });
  printAnswer(options, terminal, owners, () => {
    for (const { component, gvr } of owners) terminal.out(`${component} ${gvr}`);
  });
  if (owners.length > 0) return EXIT.ok;
  terminal.err(
    `edgekeyd: ${key} has no owner on this node; \`edgekeyd keys\` lists those that do`,
  );
  return EXIT.failed;
}
