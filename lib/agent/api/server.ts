import { dirname } from "@std/path";
import { API_LIMITS } from "../api_limits.ts";
import { type ConnectionsLimits, OpenConnections } from "./open_connections.ts";
import type { Answering } from "./dispatch.ts";
import { SocketListener } from "./socket_listener.ts";
import { reasonOf, removeStale, SocketError } from "./socket_place.ts";

/** A server on a unix socket. */
export interface ApiServer {
  /** Takes no more requests and waits for those that are open. */
  close(): Promise<void>;
}

/** How a server is set up, beside what it answers. */
export interface ServerOptions {
  /** Its directory is edgekeyd's own, and is made if it is missing; by default it is. */
  readonly isOurs?: boolean;
  /** What connections may take; by default the API's limits. */
  readonly limits?: ConnectionsLimits;
  /** Told what keeps it from taking connections, at most once a minute. */
  readonly failed?: (reason: string) => void;
}

/**
 * Serves HTTP on a unix socket that its owner alone can use. What a process left there that ended
 * without closing is removed; nothing else is. A socket that somebody removes is made again.
 *
 * @param path of the socket
 * @param answer answers one request
 * @param options how it is set up
 * @throws {SocketError} if another process answers there, something else stands there, or the
 * directory can't be used
 */
export async function serveSocket(
  path: string,
  answer: Answering,
  options: ServerOptions = {},
): Promise<ApiServer> {
  const { isOurs = true, limits = API_LIMITS, failed = () => {} } = options;
  checkDirectory(path, isOurs);
  await removeStale(path);
  try {
    return new SocketListener(path, new OpenConnections(answer, limits), failed);
  } catch (error) {
    throw new SocketError(path, reasonOf(error), { cause: error });
  }
}

/** A directory that is missing is most likely a slip: where none but ours stands, none is made. */
function checkDirectory(path: string, isOurs: boolean): void {
  const directory = dirname(path);
  try {
    if (isOurs) Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    Deno.statSync(directory);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new SocketError(
        path,
        `there is no directory ${directory}; make it, or give another --listen`,
      );
    }
    throw new SocketError(path, reasonOf(error), { cause: error });
  }
}
