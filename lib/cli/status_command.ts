import { whyNotInStep } from "../agent/mod.ts";
import { findDaemon } from "./daemon.ts";
import { EXIT } from "./exit_code.ts";
import type { Options } from "./options.ts";
import { restingStatus } from "./resting_status.ts";
import { statusPage } from "./status_page.ts";
import { withCache } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** `edgekeyd status`: what the daemon says; without one what the cache holds and etcd says. */
export async function statusCommand(options: Options, terminal: Terminal): Promise<number> {
  const daemon = await findDaemon(options, () => {});
  const status = daemon?.status ?? await withCache(
    options,
    "peek",
    terminal.err,
    (cache) => restingStatus(options, cache),
  );
  if (options.output === "json") terminal.out(JSON.stringify(status));
  else statusPage(status, Date.now(), terminal);
  if (status.state === "in-step") return EXIT.ok;
  terminal.err(`edgekeyd: ${whyNotInStep(status.conditions)}`);
  return status.state === "partial" ? EXIT.partial : EXIT.failed;
}
