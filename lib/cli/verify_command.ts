import { conditionsOf, whyNotInStep } from "../agent/mod.ts";
import { fenceKeyOf } from "../keycache/mod.ts";
import { verify } from "../reconcile/mod.ts";
import { findDaemon } from "./daemon.ts";
import { EXIT } from "./exit_code.ts";
import type { Options } from "./options.ts";
import { plural } from "../plural.ts";
import { withCache, withStore } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** `edgekeyd verify`: etcd against the cache, no writes. */
export async function verifyCommand(options: Options, terminal: Terminal): Promise<number> {
  const note = (text: string) => terminal.err(`edgekeyd: note: ${text}`);
  const daemon = await findDaemon(options, note);
  const found = daemon ? await daemon.client.verify() : await withCache(
    options,
    "peek",
    note,
    (cache) => withStore(options, cache, verify),
  );
  if (options.output === "json") terminal.out(JSON.stringify(found));
  else {
    for (const { key, reason } of found.drift) terminal.out(`drift  ${key}: ${reason}`);
    terminal.out(
      `${plural(found.keys, "key")}, ${found.drift.length} drifted, revision ${found.revision}`,
    );
  }
  if (found.drift.length === 0 && !found.fence) return EXIT.ok;
  const [first] = found.drift;
  const differs = first
    ? `etcd is not what the component-key cache says (${first.key}: ${first.reason}); run ` +
      "`edgekeyd --reconcile`"
    : "";
  const key = fenceKeyOf(options.nodeName);
  const fence = found.fence && { kind: found.fence, key };
  terminal.err(`edgekeyd: ${fence ? whyNotInStep(conditionsOf({ fence })) : differs}`);
  return EXIT.partial;
}
