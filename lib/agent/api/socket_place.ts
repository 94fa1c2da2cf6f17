import { EdgekeydError } from "../../errors.ts";

/** The API's socket can't be had. */
export class SocketError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "SocketError";

  /**
   * Says which socket, and why.
   *
   * @param path of the socket
   * @param reason what is wrong, and what to do
   * @param options the underlying cause, if any
   */
  constructor(path: string, reason: string, options?: ErrorOptions) {
    super("Socket", `cannot listen on ${path}: ${reason}`, options);
  }
}

/**
 * Removes the socket of a process that ended without closing it.
 *
 * @param path where it may stand
 * @throws {SocketError} if another process answers there, or what stands there is no socket
 */
export async function removeStale(path: string): Promise<void> {
  let isSocket: boolean | null;
  try {
    ({ isSocket } = Deno.lstatSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new SocketError(path, reasonOf(error), { cause: error });
  }
  if (!isSocket) {
    throw new SocketError(path, "something else stands there; remove it, or give another --listen");
  }
  if (await isAnswered(path)) {
    throw new SocketError(path, "another process answers there; stop it, or give another --listen");
  }
  Deno.removeSync(path);
}

/** Tells whether a process listens on a socket. */
async function isAnswered(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw new SocketError(path, reasonOf(error), { cause: error });
  }
}

/**
 * Says why something failed.
 *
 * @param error what it threw
 */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
