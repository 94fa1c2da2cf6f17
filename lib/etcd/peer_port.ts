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
 * Without TLS it serves clients, too, in etcd 3.5: who goes by it fails with the next upgrade. Opens a connection of its own.
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
  const opening = isHttps(endpoint) && tls
    ? Deno.connectTls({
      ...address,
      caCerts: [tls.ca],
      alpnProtocols: ["http/1.1"],
      ...(tls.client && { cert: tls.client.cert, key: tls.client.key }),
    })
    : Deno.connect(address);
  const late = Promise.withResolvers<string>();
  const until = Math.min(deadline, deadlineIn(MAX_MS));
  const timer = setTimeout(() => late.resolve(""), Math.max(0, msUntil(until)));
  try {
    return ANSWER.test(await Promise.race([answerOf(opening), late.promise]));
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    // However late it opens; closing also ends a read that nobody waits for any more.
    opening.then((connection) => connection.close(), () => {});
  }
}

async function answerOf(opening: Promise<Deno.Conn>): Promise<string> {
  const connection = await opening;
  await connection.write(new TextEncoder().encode(QUESTION));
  const answer = new Uint8Array(MAX_ANSWER_BYTES);
  let text = "";
  for (let length = 0; length < answer.length && !text.includes("\r\n\r\n");) {
    const more = await connection.read(answer.subarray(length));
    if (more === null) break;
    length += more;
    text = new TextDecoder().decode(answer.subarray(0, length));
  }
  return text;
}
