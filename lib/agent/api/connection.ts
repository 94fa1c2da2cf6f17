import { STATUS_CODES } from "node:http";
import { ApiError } from "./api_error.ts";
import { bodyStream } from "./body_stream.ts";
import type { Answering } from "./dispatch.ts";
import type { ApiRequest } from "./request_body.ts";
import type { Peer } from "./peer.ts";
import { MAX_HEAD_BYTES, readHead } from "./request_head.ts";

/** What one connection may take. */
export interface ConnectionLimits {
  /** For the head of a request to arrive, from the moment of the connection, in ms. */
  readonly headTimeoutMs: number;
  /** For a part of an answer to be taken, in ms. */
  readonly stallTimeoutMs: number;
}

/** As much of an answer as has to be taken before the next part gets its time. */
const PART_BYTES = 64 * 1024;
/** What a client may still send that was answered before it had sent all: it may read only then. */
const LINGER_BYTES = 256 * 1024;
const LINGER_MS = 500;

/**
 * Answers the one request of a connection, then ends it. A client that stays away, or is slower
 * than a deadline, is left.
 *
 * @param peer the client
 * @param answer answers a request
 * @param limits what it may take
 */
export async function serveConnection(
  peer: Peer,
  answer: Answering,
  limits: ConnectionLimits,
): Promise<void> {
  try {
    const request = await within(limits.headTimeoutMs, peer, () => readRequest(peer));
    if (!request) return;
    const isHead = !(request instanceof ApiError) && request.method === "HEAD";
    await send(peer, isHead, await answer(request), limits.stallTimeoutMs);
    await peer.endWriting();
    await within(LINGER_MS, peer, () => readOn(peer));
  } catch {
    // It is gone, or was given up: there is nobody left to tell.
  } finally {
    peer.close();
  }
}

/** @returns the request, or what is wrong with it; undefined if there is none */
async function readRequest(peer: Peer): Promise<ApiRequest | ApiError | undefined> {
  const text = await readHeadText(peer);
  if (text === "") return undefined;
  try {
    if (text === undefined) {
      throw new ApiError("BadRequest", `the head is longer than ${MAX_HEAD_BYTES} bytes`);
    }
    const head = readHead(text);
    const { method, url, headers } = head;
    return { method, url, headers, body: bodyStream(peer, head) };
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

/** @returns the head up to the empty line that ends it; "" if none came, undefined if it is too long */
async function readHeadText(peer: Peer): Promise<string | undefined> {
  let text = "";
  for (;;) {
    const bytes = await peer.read();
    if (!bytes) return "";
    const before = text.length;
    text += LATIN.decode(bytes);
    const end = text.indexOf("\r\n\r\n", Math.max(0, before - 3));
    if ((end < 0 ? text.length : end) > MAX_HEAD_BYTES) return undefined;
    if (end < 0) continue;
    peer.unread(bytes.subarray(end + 4 - before));
    return text.slice(0, end);
  }
}

/** Each byte as the character of its number. */
const LATIN = new TextDecoder("latin1");

async function send(
  peer: Peer,
  isHead: boolean,
  response: Response,
  timeoutMs: number,
): Promise<void> {
  const { status, headers } = response;
  const body = new Uint8Array(await response.arrayBuffer());
  headers.set("content-length", `${body.length}`);
  headers.set("date", new Date().toUTCString());
  headers.set("connection", "close");
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n`;
  const bytes = new TextEncoder().encode(head);
  const parts = isHead ? [bytes] : [bytes, ...partsOf(body)];
  for (const part of parts) await within(timeoutMs, peer, () => peer.write(part));
}

function* partsOf(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) yield bytes.subarray(at, at + PART_BYTES);
}

/**
 * To close while the client sends would break off what it has yet to read. Most clients stop once
 * they have the answer; one that doesn't is left after a little.
 */
async function readOn(peer: Peer): Promise<void> {
  for (let read = 0; read <= LINGER_BYTES;) {
    const bytes = await peer.read();
    if (!bytes) return;
    read += bytes.length;
  }
}

/** Gives the client up if the work is not done in time; the work then fails by itself. */
async function within<Result>(
  ms: number,
  peer: Peer,
  work: () => Promise<Result>,
): Promise<Result> {
  const timer = setTimeout(() => peer.close(), ms);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}
