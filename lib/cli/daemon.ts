import { AgentClient, type AgentStatus, ClientError } from "../agent/mod.ts";
import { isHeld, mismatch } from "../keycache/mod.ts";
import type { Options } from "./options.ts";
import { differencesOf } from "./settings.ts";

/** A daemon that holds the state directory. */
export interface Daemon {
  readonly client: AgentClient;
  readonly status: AgentStatus;
}

/** A daemon that does not answer so long is waited for as for any other holder of the lock. */
const PROBE_MS = 3_000;

/**
 * Finds the daemon that holds the state directory: by its lock, then by its socket.
 *
 * @param options where they are
 * @param note told what of this run's flags the daemon can't honour
 * @returns undefined if nobody holds the directory, or who does can't be asked
 * @throws {KeyCacheError} `mismatch` if it works for another node or prefix than the flags say
 */
export async function findDaemon(
  options: Options,
  note: (text: string) => void,
): Promise<Daemon | undefined> {
  if (!(await isHeld(options.stateDir))) return undefined;
  const client = new AgentClient(options.socketPath);
  const status = await ask(client);
  if (!status || status.stateDir !== Deno.realPathSync(options.stateDir)) return undefined;
  const { nodeName, prefix } = status;
  const { given } = options;
  if (given.has("node-name") && options.nodeName !== nodeName) {
    throw mismatch("--node-name", nodeName, options.nodeName);
  }
  if (given.has("etcd-prefix") && options.etcdPrefix !== prefix) {
    throw mismatch("--etcd-prefix", prefix, options.etcdPrefix);
  }
  for (const text of differencesOf(options, status.settings)) note(text);
  return { client, status };
}

async function ask(client: AgentClient): Promise<AgentStatus | undefined> {
  try {
    return await client.status(PROBE_MS);
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}
