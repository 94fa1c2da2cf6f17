import { whyNotInStep } from "../agent/mod.ts";
import { STOP_FIRST } from "../own_commands.ts";
import { plural } from "../plural.ts";
import { EXIT } from "./exit_code.ts";
import { findNode } from "./find_node.ts";
import { leftOutSecrets } from "./left_out_secrets.ts";
import type { Options } from "./options.ts";
import { printAnswer } from "./output.ts";
import type { Terminal } from "./terminal.ts";

/** `edgekeyd verify`: etcd against the cache, no writes. */
export async function verifyCommand(options: Options, terminal: Terminal): Promise<number> {
  const node = await findNode(options, terminal);
  const found = await node.ask("GET /v1/verify");
  const { keys, drift, revision, conditions = [], secretsLeftOut } = found;
  printAnswer(options, terminal, found, () => {
    for (const { key, reason } of drift) terminal.out(`drift  ${key}: ${reason}`);
    if (secretsLeftOut !== undefined) {
      terminal.out(`left out  ${leftOutSecrets(secretsLeftOut)}`);
    }
    terminal.out(`${plural(keys, "key")}, ${drift.length} drifted, revision ${revision}`);
  });
  const [first] = drift;
  if (!first && conditions.length === 0) return EXIT.ok;
  const differs = first
    ? `etcd is not what the component-key cache says (${first.key}: ${first.reason}); run ` +
      `\`edgekeyd --reconcile\`; for what another importer wrote, ${STOP_FIRST}, run ` +
      "`edgekeyd --reconcile --conflict-policy owner`, and start it again"
    : "";
  terminal.err(`edgekeyd: ${whyNotInStep(conditions) || differs}`);
  return EXIT.partial;
}
