import { type ConnectionLimits, serveConnection } from "./connection.ts";
import type { Answering } from "./dispatch.ts";
import { Peer } from "./peer.ts";

/** What all connections together may take. */
export interface ConnectionsLimits extends ConnectionLimits {
  /** How many are open at once. */
  readonly maxConnections: number;
}

/** What the process needs beside its connections: for files, the database, a new way to etcd. */
const SPARE_DESCRIPTORS = 16;

/** The connections of a server. When there is no room, the one that is waited for longest ends. */
export class OpenConnections {
  readonly #open = new Map<Peer, Promise<void>>();
  readonly #answer: Answering;
  readonly #limits: ConnectionsLimits;

  /**
   * @param answer answers one request
   * @param limits what they may take
   */
  constructor(answer: Answering, limits: ConnectionsLimits) {
    this.#answer = answer;
    this.#limits = limits;
  }

  /**
   * Serves one more.
   *
   * @returns false if another had to end for it, and its descriptor is about to come back
   */
  add(connection: Deno.Conn): boolean {
    const isFull = this.#open.size >= this.#limits.maxConnections;
    const isRoom = !isFull && areSpare(SPARE_DESCRIPTORS);
    if (!isRoom && !this.endIdlest() && isFull) {
      connection.close();
      return false;
    }
    const peer = new Peer(connection, () => performance.now());
    const served = serveConnection(peer, this.#answer, this.#limits);
    this.#open.set(peer, served.finally(() => this.#open.delete(peer)));
    return isRoom;
  }

  /**
   * Ends the connection whose client has neither sent nor taken anything for longest. One that
   * waits for its answer is never ended.
   *
   * @returns false if there is none
   */
  endIdlest(): boolean {
    let idlest: Peer | undefined;
    for (const peer of this.#open.keys()) {
      if ((peer.waitedForSinceMs ?? Infinity) < (idlest?.waitedForSinceMs ?? Infinity)) {
        idlest = peer;
      }
    }
    idlest?.close();
    return idlest !== undefined;
  }

  /** Waits for the answers that are under way; what a client has yet to ask is not waited for. */
  async close(): Promise<void> {
    for (const peer of this.#open.keys()) {
      if (peer.waitedForSinceMs !== undefined && !peer.takes) peer.close();
    }
    await Promise.all(this.#open.values());
  }
}

/** Tells whether so many more descriptors can be had: no limit of the process says it. */
function areSpare(count: number): boolean {
  const held: Deno.FsFile[] = [];
  try {
    while (held.length < count) held.push(Deno.openSync("/"));
    return true;
  } catch {
    return false;
  } finally {
    for (const file of held) file.close();
  }
}
