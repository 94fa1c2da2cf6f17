import { ApiError } from "./api_error.ts";

/** How much of a head is taken, in bytes: the longest path there is takes half of it. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** What stands before a request's body. */
export interface RequestHead {
  readonly method: string;
  /** As it was sent: path and query, or a whole URL. */
  readonly url: string;
  readonly headers: Headers;
  /** How long the body is, in bytes; `chunked` if it says that as it comes. */
  readonly length: number | "chunked";
}

/** A name of a method or header (RFC 9110, 5.6.2). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What a URL is written in; not one byte of it means anything to a line. */
const URL_TEXT = /^(?:\/|https?:\/\/)[\x21-\x7e]*$/;
/** Visible characters, of any encoding, with blanks between (RFC 9110, 5.5). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const LENGTH = /^\d{1,15}$/;

/**
 * Reads the head of an HTTP/1.1 request. What could be read in two ways is refused: a connection
 * takes one request, and nobody may hide a second one in it.
 *
 * @param text the head, each byte as one character, without the empty line at its end
 * @throws {ApiError} `BadRequest` if it is not well formed
 */
export function readHead(text: string): RequestHead {
  const [first = "", ...lines] = text.split("\r\n");
  const [method = "", url = "", version = "", ...rest] = first.split(" ");
  const known = version === "HTTP/1.1" || version === "HTTP/1.0";
  if (!known || rest.length > 0 || !TOKEN.test(method) || !URL_TEXT.test(url)) {
    throw bad("the request's first line is not one of HTTP/1.1");
  }
  const headers = new Headers();
  for (const line of lines) {
    const at = line.indexOf(":");
    const [name, value] = [line.slice(0, at), line.slice(at + 1)];
    if (at < 0 || !TOKEN.test(name) || !VALUE.test(value)) {
      throw bad("a header is not one of HTTP/1.1");
    }
    if (headers.has(name) && SINGLE.has(name.toLowerCase())) throw bad(`${name} is given twice`);
    headers.append(name, value.trim());
  }
  if (version === "HTTP/1.1" && !headers.has("host")) throw bad("the header Host is missing");
  return { method, url, headers, length: lengthOf(headers) };
}

/** With two of one of these, two readers could see two requests. */
const SINGLE: ReadonlySet<string> = new Set(["host", "content-length", "transfer-encoding"]);

function lengthOf(headers: Headers): number | "chunked" {
  const [length, coding] = [headers.get("content-length"), headers.get("transfer-encoding")];
  if (coding !== null) {
    if (length !== null) throw bad("the body has two lengths");
    if (coding.toLowerCase() !== "chunked") throw bad("the body's coding is not chunked");
    return "chunked";
  }
  if (length === null) return 0;
  if (!LENGTH.test(length)) throw bad("the header Content-Length is no length");
  return Number(length);
}

function bad(message: string): ApiError {
  return new ApiError("BadRequest", message);
}
