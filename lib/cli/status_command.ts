import { whyNotInStep } from "../agent/mod.ts";
import { EXIT } from "./exit_code.ts";
import { findNode } from "./find_node.ts";
import type { Options } from "./options.ts";
import { printAnswer } from "./output.ts";
import { statusPage } from "./status_page.ts";
import type { Terminal } from "./terminal.ts";

/** `edgekeyd status`: how the node is doing, in words or as JSON. */
export async function statusCommand(options: Options, terminal: Terminal): Promise<number> {
  // Whose etcd it is about has to be known.
  const node = await findNode(options, terminal, { quick: true });
  const status = await node.ask("GET /v1/status");
  printAnswer(options, terminal, status, () => statusPage(status, Date.now(), terminal));
  if (status.state === "in-step") return EXIT.ok;
  terminal.err(`edgekeyd: ${whyNotInStep(status.conditions)}`);
  return status.state === "partial" ? EXIT.partial : EXIT.failed;
}
