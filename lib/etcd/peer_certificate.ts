import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { msUntil } from "./deadline.ts";
import { hostAndPort } from "./endpoints.ts";

/**
 * The certificate that an endpoint shows, whoever signed it: to say what is wrong with it. Nothing
 * is sent to it but the handshake.
 *
 * @param endpoint `scheme://host:port`
 * @param deadline as {@linkcode deadlineIn} counts
 * @returns undefined if the handshake fails even so, or takes too long
 */
export async function peerCertificate(
  endpoint: string,
  deadline: number,
): Promise<X509Certificate | undefined> {
  const { hostname, port } = hostAndPort(endpoint);
  const { promise, resolve } = Promise.withResolvers<X509Certificate | undefined>();
  const socket = connect({
    host: hostname,
    port,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
  });
  const timer = setTimeout(() => resolve(undefined), Math.max(0, msUntil(deadline)));
  socket.on("error", () => resolve(undefined));
  socket.on("close", () => resolve(undefined));
  socket.on("secureConnect", () => {
    const { raw } = socket.getPeerCertificate();
    resolve(raw && new X509Certificate(raw));
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
