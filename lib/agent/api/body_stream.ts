import type { Peer } from "./peer.ts";
import type { RequestHead } from "./request_head.ts";

/** A line of the chunked coding with its extensions, in bytes: nobody has use for a longer one. */
const MAX_LINE_BYTES = 1_024;
/** What may follow the last chunk, in lines. */
const MAX_TRAILERS = 32;
const SIZE = /^([0-9A-Fa-f]{1,8})[\t ]*(?:;.*)?$/;

/**
 * The body of a request, read as far as somebody asks for it.
 *
 * @param peer who sends it; what follows the body is left to it
 * @param head what came before it: the method, how long it is, and the other headers
 * @returns null if there is none
 */
export function bodyStream(
  peer: Peer,
  { method, length, headers }: RequestHead,
): ReadableStream<Uint8Array<ArrayBuffer>> | null {
  // As with Deno's own server: a GET has none, whatever was sent.
  if (length === 0 || method === "GET" || method === "HEAD") return null;
  // The client waits to be asked for it, so that what is refused by its head is never sent.
  let isAwaited = headers.get("expect")?.toLowerCase() === "100-continue";
  const parts = length === "chunked" ? chunks(peer) : counted(peer, length);
  return new ReadableStream({
    async pull(controller) {
      if (isAwaited) await peer.write(CONTINUE);
      isAwaited = false;
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}

const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");

type Parts = AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>;

/** A body that breaks off, or is not what its coding says. */
class BrokenBodyError extends Error {}

async function* counted(peer: Peer, length: number): Parts {
  for (let left = length; left > 0;) {
    const bytes = await more(peer);
    const part = bytes.subarray(0, left);
    peer.unread(bytes.subarray(part.length));
    left -= part.length;
    yield part;
  }
}

/** The chunked coding (RFC 9112, 7.1). */
async function* chunks(peer: Peer): Parts {
  for (;;) {
    const size = SIZE.exec(await line(peer))?.[1];
    if (size === undefined) throw new BrokenBodyError("a chunk has no size");
    const length = parseInt(size, 16);
    if (length === 0) break;
    yield* counted(peer, length);
    if (await line(peer) !== "") throw new BrokenBodyError("a chunk is longer than it says");
  }
  for (let trailers = 0; await line(peer) !== "";) {
    if (++trailers > MAX_TRAILERS) throw new BrokenBodyError("too much follows the last chunk");
  }
}

async function line(peer: Peer): Promise<string> {
  let text = "";
  for (;;) {
    const bytes = await more(peer);
    const end = bytes.indexOf(LF);
    text += LATIN.decode(bytes.subarray(0, end < 0 ? bytes.length : end + 1));
    if (text.length > MAX_LINE_BYTES) throw new BrokenBodyError("a line is too long");
    if (end < 0) continue;
    peer.unread(bytes.subarray(end + 1));
    if (!text.endsWith("\r\n")) throw new BrokenBodyError("a line does not end as lines do");
    return text.slice(0, -2);
  }
}

const LF = 0x0a;
const LATIN = new TextDecoder("latin1");

async function more(peer: Peer): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await peer.read();
  if (!bytes) throw new BrokenBodyError("the body broke off");
  return bytes;
}
