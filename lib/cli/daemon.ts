import { resolve } from "@std/path";
import { ClientError, NodeClient, type NodeStatus, SocketTransport } from "../agent/mod.ts";
import { heldDirectory, type Holder, lockedError, mismatch } from "../keycache/mod.ts";
import type { Options } from "./options.ts";
import { clock } from "./session.ts";
import { differencesOf } from "./settings.ts";

/** A daemon that does not answer so long is looked for again, until the wait is over. */
const PROBE_MS = 3_000;
/** Between two looks for a daemon that holds the directory, and may be about to listen. */
const LOOK_MS = 200;

/**
 * Finds the daemon that holds the state directory: by its lock, then by its socket, which is where
 * `--listen` says, or else where the daemon wrote down that it listens. Without a lock the socket
 * alone is asked.
 *
 * @param options where they are
 * @param note told what of this run's flags the daemon can't honour
 * @param quick ask a daemon once, and wait for a process that has no socket alone
 * @returns the way to speak to it; undefined if nobody holds the directory, or nobody does any more
 * @throws {KeyCacheError} `mismatch` if it works for another node or prefix than the flags say,
 * `locked` if somebody holds the directory for longer than `--lock-timeout` and can't be asked
 */
export async function findDaemon(
  options: Options,
  note: (text: string) => void,
  quick = false,
): Promise<NodeClient | undefined> {
  const { stateDir, lockTimeoutMs } = options;
  const held = await heldDirectory(stateDir);
  if (!held) {
    // Where its directory was emptied, moved or mounted over, only its socket leads to a daemon.
    const daemon = await answering(options, {});
    if (daemon) check(options, daemon.status, note);
    return daemon?.client;
  }
  const sinceMs = clock.monotonicMs();
  const overMs = sinceMs + lockTimeoutMs;
  for (;;) {
    const holder = held.holder();
    const daemon = await answering(options, holder);
    if (daemon) {
      check(options, daemon.status, note);
      return daemon.client;
    }
    const nowMs = clock.monotonicMs();
    const isSilent = quick && holder.socket !== undefined && nowMs - sinceMs >= PROBE_MS;
    if (isSilent) throw lockedError(stateDir, PROBE_MS, true);
    if (nowMs >= overMs) throw lockedError(stateDir, lockTimeoutMs, true);
    const look = clock.sleep(LOOK_MS).then(() => "look");
    if ((await Promise.race([held.released, look])) !== "look") return undefined;
  }
}

/** A daemon that answered. */
interface Daemon {
  readonly client: NodeClient;
  readonly status: NodeStatus;
}

/** The daemon on the first of the likely sockets on which the right one answers. */
async function answering(options: Options, { socket }: Holder): Promise<Daemon | undefined> {
  const { given, socketPath } = options;
  const likely = given.has("listen") ? [socketPath, socket] : [socket, socketPath];
  for (const path of new Set(likely)) {
    if (path === undefined) continue;
    const client = new NodeClient(new SocketTransport(path));
    const status = await ask(client);
    if (status?.stateDir === realPathOf(options.stateDir)) return { client, status };
  }
  return undefined;
}

function realPathOf(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    // It is gone, or nobody's to read: a daemon has it by its whole path all the same.
    return resolve(path);
  }
}

/** Compares what this run's flags ask for with what the daemon is there for. */
function check(options: Options, status: NodeStatus, note: (text: string) => void): void {
  const { nodeName, prefix, settings = {} } = status;
  const { given } = options;
  if (given.has("node-name") && options.nodeName !== nodeName) {
    throw mismatch("--node-name", nodeName, options.nodeName);
  }
  if (given.has("etcd-prefix") && options.etcdPrefix !== prefix) {
    throw mismatch("--etcd-prefix", prefix, options.etcdPrefix);
  }
  for (const text of differencesOf(options, settings)) note(text);
}

async function ask(client: NodeClient): Promise<NodeStatus | undefined> {
  try {
    return await client.ask("GET /v1/status", { timeoutMs: PROBE_MS });
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}
