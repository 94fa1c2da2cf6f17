import type { ClientCertificate, TlsCredentials } from "./credentials.ts";
import { msUntil } from "./deadline.ts";
import { hostAndPort, isHttps } from "./endpoints.ts";

/** What an HTTP/2 client says first: the preface and empty settings. */
const HTTP2_HELLO = new Uint8Array([
  ...new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  ...[0, 0, 0, 4, 0, 0, 0, 0, 0],
]);

/** The type of the frame that a server answers with, and its place in the frame. */
const SETTINGS_FRAME = 4;
const FRAME_TYPE_OFFSET = 3;

/**
 * Finds out why no connection comes about, where gRPC's own words don't tell: looks at the TLS
 * handshake through Deno's eyes. For use after a failure only; it opens connections of its own.
 *
 * @param endpoint `scheme://host:port`
 * @param tls what the failed connection used
 * @param deadline as {@linkcode deadlineIn} counts
 * @returns what is wrong with TLS and what to do, in one line; undefined if that is not it
 */
export async function explainConnectFailure(
  endpoint: string,
  tls: TlsCredentials | undefined,
  deadline: number,
): Promise<string | undefined> {
  const hello = await greet(endpoint, undefined, deadline);
  if (hello.outcome === "silent") return undefined;
  if (!isHttps(endpoint)) {
    if (hello.outcome === "http2") return undefined;
    return await speaksTls(endpoint, deadline)
      ? `${endpoint} speaks TLS: use https:// in --etcd-servers, and --etcd-cafile`
      : undefined;
  }
  if (hello.outcome === "http2") {
    return `${endpoint} speaks plain http, without TLS: use http:// in --etcd-servers, or turn on TLS in etcd`;
  }
  if (!tls) return undefined;
  const overTls = await greet(endpoint, {
    caCerts: [tls.ca],
    ...(tls.client && { cert: tls.client.cert, key: tls.client.key }),
  }, deadline);
  // It hangs up as soon as it refuses our certificate, maybe while we still write; its alert is lost
  // then. That is what happened if it came as far as showing its own.
  if (overTls.outcome === "hung-up" && await speaksTls(endpoint, deadline)) {
    return explainRefusal(endpoint, tls.client);
  }
  return overTls.error ? explainHandshake(endpoint, tls, overTls.error) : undefined;
}

/** Any CA will do: that the handshake gets as far as its certificate tells enough. */
async function speaksTls(endpoint: string, deadline: number): Promise<boolean> {
  const { outcome, error } = await greet(endpoint, { caCerts: [] }, deadline);
  return outcome === "http2" || /certificate|alert/i.test(error);
}

/**
 * The words are rustls's: `invalid peer certificate: …` is our judgement of etcd's certificate,
 * `received fatal alert: …` etcd's of ours.
 */
function explainHandshake(endpoint: string, tls: TlsCredentials, error: string): string {
  if (error.includes("invalid peer certificate")) {
    if (/UnknownIssuer|BadSignature/.test(error)) {
      return `the certificate of ${endpoint} is not signed by the CA in ${tls.caFile} (--etcd-cafile)`;
    }
    if (/not valid for name|NotValidForName/.test(error)) {
      const { hostname } = hostAndPort(endpoint);
      const names = /only valid for (.*)/.exec(error)?.[1] ?? "other names";
      return `the certificate of ${endpoint} is not valid for ${hostname}, only for ${names}: use one of these in --etcd-servers, or issue it anew`;
    }
    if (/expired/i.test(error)) {
      return `the certificate of ${endpoint} has expired (or this node's clock is wrong): renew etcd's certificate`;
    }
    if (/not valid yet|NotValidYet/i.test(error)) {
      return `the certificate of ${endpoint} is not valid yet: check this node's clock`;
    }
    return `the certificate of ${endpoint} is not accepted: ${error}`;
  }
  // etcd before 3.6 says BadCertificate for all of these, so look at what it was shown.
  if (/alert: (\w*Certificate\w*|UnknownCA)/.test(error)) {
    return explainRefusal(endpoint, tls.client);
  }
  return `the TLS handshake with ${endpoint} failed: ${error}`;
}

function explainRefusal(endpoint: string, client: ClientCertificate | undefined): string {
  if (!client) {
    return `${endpoint} asks for a client certificate: give --etcd-certfile and --etcd-keyfile`;
  }
  return `${endpoint} refused the client certificate in ${client.certFile} (--etcd-certfile): ` +
    whyRefused(client);
}

function whyRefused({ notBefore, notAfter }: ClientCertificate): string {
  const now = Date.now();
  if (now > notAfter) return `it expired at ${new Date(notAfter).toISOString()}`;
  if (now < notBefore) return "it is not valid yet: check this node's clock";
  return "it is not signed by the CA that etcd trusts (its --trusted-ca-file), or not meant for clients";
}

/** What came of saying hello. */
interface Greeting {
  /**
   * `http2`: answered as it should; `hung-up`: reached, but it ended the connection; `failed`:
   * reached, but something else than that; `silent`: none of these in time.
   */
  readonly outcome: "http2" | "hung-up" | "failed" | "silent";
  /** Why it failed or hung up; else empty. */
  readonly error: string;
}

/** How to do the handshake. */
type Handshake = Pick<Deno.ConnectTlsOptions, "caCerts"> & Partial<Deno.TlsCertifiedKeyPem>;

const SILENT: Greeting = { outcome: "silent", error: "" };

/**
 * Waits for the first frame of a server, since it is only then that it refuses a client's
 * certificate. Over TLS it comes unasked; a hello would but run into a closed door.
 */
async function greet(
  endpoint: string,
  handshake: Handshake | undefined,
  deadline: number,
): Promise<Greeting> {
  const address = hostAndPort(endpoint);
  const opening: Promise<Deno.Conn> = handshake
    ? Deno.connectTls({ ...address, ...handshake, alpnProtocols: ["h2"] })
    : Deno.connect(address);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<Greeting>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, msUntil(deadline)), SILENT);
  });
  try {
    return await Promise.race([exchange(opening, handshake ? undefined : HTTP2_HELLO), timeUp]);
  } finally {
    clearTimeout(timer);
    // However late it opens; closing also ends a read that nobody waits for any more.
    opening.then((connection) => connection.close(), () => {});
  }
}

async function exchange(opening: Promise<Deno.Conn>, hello?: Uint8Array): Promise<Greeting> {
  try {
    const connection = await opening;
    if (hello) await connection.write(hello);
    const answer = new Uint8Array(64);
    const length = await connection.read(answer);
    return length !== null && answer[FRAME_TYPE_OFFSET] === SETTINGS_FRAME
      ? { outcome: "http2", error: "" }
      : { outcome: "failed", error: "it answered with something other than HTTP/2" };
  } catch (cause) {
    if (isNetworkError(cause)) return SILENT;
    return {
      outcome: isHangUp(cause) ? "hung-up" : "failed",
      error: cause instanceof Error ? cause.message : String(cause),
    };
  }
}

/** No listener, no route, no such name: gRPC's words for these are good enough. */
function isNetworkError(cause: unknown): boolean {
  return cause instanceof Deno.errors.ConnectionRefused ||
    cause instanceof Deno.errors.TimedOut ||
    cause instanceof Deno.errors.NotFound ||
    (cause instanceof Error && /unreachable|No route|lookup/i.test(cause.message));
}

function isHangUp(cause: unknown): boolean {
  return cause instanceof Deno.errors.ConnectionReset ||
    cause instanceof Deno.errors.BrokenPipe ||
    cause instanceof Deno.errors.UnexpectedEof;
}
