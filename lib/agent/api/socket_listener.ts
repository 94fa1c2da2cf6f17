import { dirname } from "@std/path";
import type { OpenConnections } from "./open_connections.ts";
import { removeStale } from "./socket_place.ts";

/** Between two looks whether the socket is still in its place. */
const LOOK_MS = 1_000;
/** Long enough for what was closed to be gone. */
const PAUSE_MS = 10;
/** A failure is told once in so long. */
const TOLD_MS = 60_000;

/** Takes connections on a unix socket, until it is closed. */
export class SocketListener {
  readonly #path: string;
  readonly #connections: OpenConnections;
  readonly #failed: (reason: string) => void;
  readonly #looks: ReturnType<typeof setInterval>;
  #listener: Deno.UnixListener;
  #identity: string | undefined;
  #closed = false;
  #accepting: Promise<void>;
  #looking: Promise<void> | undefined;
  #toldMs = -Infinity;

  /**
   * Begins to listen.
   *
   * @param path of the socket; nothing may stand there
   * @param connections who serves them
   * @param failed told why one can't be taken, at most once a minute
   * @throws {Error} if it can't listen
   */
  constructor(path: string, connections: OpenConnections, failed: (reason: string) => void) {
    this.#path = path;
    this.#connections = connections;
    this.#failed = failed;
    this.#listener = listen(path);
    this.#identity = identityOf(path);
    this.#accepting = this.#accept(this.#listener);
    this.#looks = setInterval(() => {
      this.#looking ??= this.#look().finally(() => this.#looking = undefined);
    }, LOOK_MS);
  }

  /** Takes no more connections, and waits for the answers that are under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#looks);
    await this.#looking;
    this.#listener.close();
    this.#removeSocket();
    await this.#accepting;
    await this.#connections.close();
  }

  async #accept(listener: Deno.UnixListener): Promise<void> {
    while (listener === this.#listener && !this.#closed) {
      try {
        if (!this.#connections.add(await listener.accept())) await pause();
      } catch (error) {
        if (listener !== this.#listener || this.#closed) return;
        this.#tell(error);
        // Without descriptors left, one goes that nobody uses.
        this.#connections.endIdlest();
        await pause();
      }
    }
  }

  /**
   * Somebody who tidies up can remove the socket, or put something in its place; then nobody would
   * find the daemon any more. What another process has there stays, and is told.
   */
  async #look(): Promise<void> {
    try {
      const identity = identityOf(this.#path);
      if (identity === this.#identity) return;
      if (identity !== undefined) await removeStale(this.#path);
      if (this.#closed) return;
      const listener = listen(this.#path);
      this.#identity = identityOf(this.#path);
      this.#listener.close();
      this.#listener = listener;
      this.#accepting = this.#accept(listener);
    } catch (error) {
      this.#tell(error);
    }
  }

  /** Another process may have taken the place: then what stands there is its own. */
  #removeSocket(): void {
    try {
      if (identityOf(this.#path) === this.#identity) Deno.removeSync(this.#path);
    } catch {
      // What stays is found to be stale by who comes next.
    }
  }

  #tell(error: unknown): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < TOLD_MS) return;
    this.#toldMs = nowMs;
    this.#failed(error instanceof Error ? error.message : String(error));
  }
}

/**
 * When a listener is closed, Deno removes what stands at the path that it was given, whosever that
 * is. So a socket is made under a name that nobody else has, and is linked to its own.
 */
function listen(path: string): Deno.UnixListener {
  const born = `${dirname(path)}/.${crypto.randomUUID().slice(0, 7)}`;
  // A socket is born with what the umask leaves; there must be no moment in which others may use it.
  const before = Deno.umask(0o177);
  try {
    const listener = Deno.listen({ transport: "unix", path: born });
    try {
      Deno.linkSync(born, path);
      Deno.removeSync(born);
    } catch (error) {
      listener.close();
      throw error;
    }
    return listener;
  } finally {
    Deno.umask(before);
  }
}

/** @returns undefined if nothing stands there */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino, birthtime } = Deno.lstatSync(path);
    return `${dev}/${ino}/${birthtime?.getTime()}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
