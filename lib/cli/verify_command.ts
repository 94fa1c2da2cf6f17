import { verify } from "../reconcile/mod.ts";
import { findDaemon } from "./daemon.ts";
import { EXIT } from "./exit_code.ts";
import type { Options } from "./options.ts";
import { plural } from "./plural.ts";
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
      `${plural(found.keys, "key")}, ${found.drift.length} drifted, revision ${found.revision}` +
        (found.fence ? `, fence ${found.fence}` : ""),
    );
  }
  if (found.drift.length === 0 && !found.fence) return EXIT.ok;
  const [first] = found.drift;
  terminal.err(
    `edgekeyd: etcd is not what the cache says (` +
      (first ? `${first.key}: ${first.reason}` : `fence ${found.fence}`) +
      "); run `edgekeyd --reconcile`",
  );
  return EXIT.partial;
}
