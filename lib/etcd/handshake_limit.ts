import http2 from "node:http2";
import tls from "node:tls";

/**
 * For so long a connection may wait for the other end's first word, of TLS as of HTTP/2: what
 * gRPC's own rules allow at least.
 */
const HANDSHAKE_MS = 20_000;

/** What both kinds of connection have in common. */
interface Connecting {
  once(event: string, listener: () => void): unknown;
  destroy(error?: Error): unknown;
}

/** Since when connections have waited, in ms of a clock that only runs forward; oldest first. */
const waiting = new Map<Connecting, number>();
let limited = false;

/**
 * Has each new connection of gRPC close those that have waited in vain for too long, as they do
 * with an etcd that hangs: it takes them and never says a word. grpc-js sets itself no limit, and
 * what it still waits for when a call gives up its channel is left open for good.
 *
 * It wraps `tls.connect` and `http2.connect` of the whole process, once. There are no timers: a
 * connection that no other follows does no harm.
 *
 * @param handshakeMs how long they may wait; for tests
 */
export function limitHandshakes(handshakeMs = HANDSHAKE_MS): void {
  if (limited) return;
  limited = true;
  tls.connect = watched(tls.connect, "secureConnect", handshakeMs);
  http2.connect = watched(http2.connect, "remoteSettings", handshakeMs);
}

function watched<Connect extends (...args: never[]) => Connecting>(
  connect: Connect,
  firstWord: string,
  handshakeMs: number,
): Connect {
  return new Proxy(connect, {
    apply(target, self, args: unknown[]) {
      closeOlderThan(performance.now() - handshakeMs);
      const connection: Connecting = Reflect.apply(target, self, args);
      waiting.set(connection, performance.now());
      // Closing it is an error to whoever listens, and an uncaught one if nobody does any more.
      for (const event of [firstWord, "close", "error"]) {
        connection.once(event, () => waiting.delete(connection));
      }
      return connection;
    },
  });
}

function closeOlderThan(momentMs: number): void {
  for (const [connection, sinceMs] of waiting) {
    if (sinceMs > momentMs) return;
    waiting.delete(connection);
    connection.destroy(new Error("etcd took the connection and did not say a word"));
  }
}
