import { listComponentKeys } from "../store/mod.ts";
import { EXIT } from "./exit_code.ts";
import type { Options } from "./options.ts";
import { withCache } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** `edgekeyd keys [component [gvr]]`: object keys from the cache, one a line. */
export async function keysCommand(
  options: Options,
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const [component, gvr] = words;
  return await withCache(options, "peek", terminal.err, (cache) => {
    const keys = listComponentKeys(cache, component, gvr);
    if (options.output === "json") terminal.out(JSON.stringify(keys));
    else for (const key of keys) terminal.out(key);
    return Promise.resolve(EXIT.ok);
  });
}

/** `edgekeyd owners KEY`: who holds a key, one `component gvr` a line. */
export async function ownersCommand(
  options: Options,
  key: string,
  terminal: Terminal,
): Promise<number> {
  return await withCache(options, "peek", terminal.err, (cache) => {
    const owners = cache.rows.get(key)?.owners ?? [];
    const shown = owners.map(({ component, gvr, uid, resourceVersion, source }) => ({
      component,
      gvr,
      uid,
      resourceVersion,
      source,
    }));
    if (options.output === "json") terminal.out(JSON.stringify(shown));
    else for (const { component, gvr } of shown) terminal.out(`${component} ${gvr}`);
    if (owners.length > 0) return Promise.resolve(EXIT.ok);
    terminal.err(
      `edgekeyd: ${key} has no owner on this node; \`edgekeyd keys\` lists those that do`,
    );
    return Promise.resolve(EXIT.failed);
  });
}
