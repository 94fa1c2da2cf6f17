import { msUntil } from "./deadline.ts";
import { hostAndPort } from "./endpoints.ts";

/** What an HTTP/2 client says first: the preface and empty settings. */
const HTTP2_HELLO = new Uint8Array([
  ...new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  ...[0, 0, 0, 4, 0, 0, 0, 0, 0],
]);

/** The type of the frame that a server answers with, and its place in the frame. */
const SETTINGS_FRAME = 4;
const FRAME_TYPE_OFFSET = 3;

/** What came of saying hello. */
export interface Greeting {
  /**
   * `http2`: answered as it should; `http1`: in the words of before HTTP/2; `hung-up`: reached, but
   * it ended the connection; `failed`: reached, but something else than that; `mute`: reached, and
   * nothing came in time; `silent`: not even reached.
   */
  readonly outcome: "http2" | "http1" | "hung-up" | "failed" | "mute" | "silent";
  /** Why it failed or hung up; else empty. */
  readonly error: string;
}

/** How to do the handshake. */
export type Handshake =
  & Pick<Deno.ConnectTlsOptions, "caCerts">
  & Partial<Deno.TlsCertifiedKeyPem>;

const SILENT: Greeting = { outcome: "silent", error: "" };

/**
 * Says hello as an HTTP/2 client does, on a connection of its own, and waits for the first frame of
 * the server, since it is only then that it refuses a client's certificate. Over TLS that comes
 * unasked; a hello would but run into a closed door.
 *
 * @param endpoint `scheme://host:port`, of which only host and port count
 * @param handshake how to do it over TLS; undefined: without
 * @param deadline as {@linkcode deadlineIn} counts
 */
export async function greet(
  endpoint: string,
  handshake: Handshake | undefined,
  deadline: number,
): Promise<Greeting> {
  const address = hostAndPort(endpoint);
  let isReached = false;
  const opening: Promise<Deno.Conn> = handshake
    ? Deno.connectTls({ ...address, ...handshake, alpnProtocols: ["h2"] })
    : Deno.connect(address);
  opening.then(() => isReached = true, () => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<Greeting>((resolve) => {
    const late = () => resolve(isReached ? { outcome: "mute", error: "" } : SILENT);
    timer = setTimeout(late, Math.max(0, msUntil(deadline)));
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
    if (length === null) return { outcome: "hung-up", error: "it ended the connection" };
    if (answer[FRAME_TYPE_OFFSET] === SETTINGS_FRAME) return { outcome: "http2", error: "" };
    return new TextDecoder().decode(answer.subarray(0, length)).startsWith("HTTP/1.")
      ? { outcome: "http1", error: "" }
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
