import { ownersOf } from "../agent/mod.ts";
import { listComponentKeys } from "../store/mod.ts";
import { findDaemon } from "./daemon.ts";
import { EXIT } from "./exit_code.ts";
import type { Options } from "./options.ts";
import { withCache } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** `edgekeyd keys [component [gvr]]`: object keys from the cache, one a line. */
export async function keysCommand(
  options: Options,
  terminal: Terminal,
  [component, gvr]: readonly string[],
): Promise<number> {
  const daemon = await findDaemon(options, () => {});
  const keys = daemon
    ? await daemon.client.keys(component, gvr)
    : await withCache(options, "peek", terminal.err, (cache) => {
      return Promise.resolve(listComponentKeys(cache, component, gvr));
    });
  if (options.output === "json") terminal.out(JSON.stringify(keys));
  else for (const key of keys) terminal.out(key);
  return EXIT.ok;
}

/** `edgekeyd owners KEY`: who holds a key, one `component gvr` a line. */
export async function ownersCommand(
  options: Options,
  terminal: Terminal,
  [key = ""]: readonly string[],
): Promise<number> {
  const daemon = await findDaemon(options, () => {});
  const owners = daemon
    ? await daemon.client.owners(key)
    : await withCache(options, "peek", terminal.err, (cache) => {
      return Promise.resolve(ownersOf(cache, key));
    });
  if (options.output === "json") terminal.out(JSON.stringify(owners));
  else for (const { component, gvr } of owners) terminal.out(`${component} ${gvr}`);
  if (owners.length > 0) return EXIT.ok;
  terminal.err(
    `edgekeyd: ${key} has no owner on this node; \`edgekeyd keys\` lists those that do`,
  );
  return EXIT.failed;
}
