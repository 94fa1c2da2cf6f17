import tls from "node:tls";
import { isIP } from "node:net";

let cured = false;

/**
 * Lets gRPC speak TLS to an IP address. grpc-js passes the host as the server name (SNI), which
 * Deno refuses for an address (RFC 6066 allows names only). Without it nothing is lost: the
 * certificate is still checked against the address that was connected to.
 *
 * It wraps `tls.connect` of the whole process, once.
 */
export function allowTlsToIpAddresses(): void {
  if (cured) return;
  cured = true;
  tls.connect = new Proxy(tls.connect, {
    apply(connect, self, args: unknown[]) {
      return Reflect.apply(connect, self, args.map(withoutIpServerName));
    },
  });
}

function withoutIpServerName(arg: unknown): unknown {
  if (typeof arg !== "object" || arg === null || !("servername" in arg)) return arg;
  if (typeof arg.servername !== "string" || !isIP(arg.servername)) return arg;
  const { servername: _, ...rest } = arg;
  return rest;
}
