import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import type { TlsCredentials } from "./credentials.ts";
import { deadlineIn, msUntil } from "./deadline.ts";
import { hostAndPort, isHttps } from "./endpoints.ts";

/** Registered for etcd's clients (IANA, etcd-client): what listens there need not be asked. */
const CLIENT_PORT = 2379;
/** Where etcd's members ask each other who belongs to them; its client port knows no such page. */
const QUESTION = "GET /members HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\n\r\n";
/** A header that etcd gives its answer there. */
const ANSWER = /^HTTP\/1\.1 200 [^]*^X-Etcd-Cluster-Id:/im;
/** Its headers come first, and are far shorter. */
const MAX_ANSWER_BYTES = 2_048;
/** An etcd that answers at all does so in far less. */
const MAX_MS = 2_000;

/**
 * What is said of such a port.
 *
 * @param endpoint `scheme://host:port`
 */
export function peerPortWords(endpoint: string): string {
  return `${endpoint} is etcd's peer port, where its members speak to each other; name etcd's ` +
    "client port, 2379 as a rule, in --etcd-servers";
}

/**
 * Tells whether what listens at an endpoint is the port on which etcd's members speak to each other.
 * Without TLS it serves clients, too, in etcd 3.5: who goes by it fails with the next upgrade. Opens
 * a connection of its own.
 *
 * @param endpoint `scheme://host:port`
 * @param tls for https
 * @param deadline as {@linkcode deadlineIn} counts
 * @returns false also if it can't be told
 */
export async function isPeerPort(
  endpoint: string,
  tls: TlsCredentials | undefined,
  deadline: number,
): Promise<boolean> {
  const address = hostAndPort(endpoint);
  if (address.port === CLIENT_PORT) return false;
  // Not a connection of Deno's own: closing one of TLS in the middle of its handshake leaves it open.
  const socket = isHttps(endpoint) && tls
    ? connectTls({
      host: address.hostname,
      port: address.port,
      ca: tls.ca,
      ALPNProtocols: ["http/1.1"],
      ...(tls.client && { cert: tls.client.cert, key: tls.client.key }),
    })
    : connect({ host: address.hostname, port: address.port });
  const until = Math.min(deadline, deadlineIn(MAX_MS));
  const answer = Promise.withResolvers<string>();
  const timer = setTimeout(() => answer.resolve(""), Math.max(0, msUntil(until)));
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString();
    if (text.includes("\r\n\r\n") || text.length >= MAX_ANSWER_BYTES) answer.resolve(text);
  });
  socket.on("error", () => answer.resolve(""));
  socket.on("close", () => answer.resolve(text));
  socket.write(QUESTION);
  try {
    return ANSWER.test(await answer.promise);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
