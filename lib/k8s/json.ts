import { InvalidObjectError } from "./invalid_object_error.ts";

/** Where a value stands in JSON: from `start` up to but without `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A member of a JSON object: its name, and where its value stands. */
export interface Member extends Span {
  readonly name: string;
}

/** Go's `encoding/json` reads no object or array that is nested deeper (`maxNestingDepth`). */
const MAX_DEPTH = 10_000;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads one JSON object.
 *
 * @param bytes the whole of it, in UTF-8
 * @returns the object, as JavaScript reads it
 * @throws {InvalidObjectError} if it is not UTF-8, not JSON, or not an object
 */
export function parseJsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch (error) {
    throw new InvalidObjectError(
      error instanceof SyntaxError ? "not valid JSON" : "not valid UTF-8",
    );
  }
  if (!isRecord(value)) throw new InvalidObjectError("not a JSON object");
  return value;
}

/**
 * Tells whether a value that was parsed is a JSON object.
 *
 * @param value any
 * @returns true if it is one
 */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Lists the members of an object, each one that stands there: parsed, only the last of one name
 * is left.
 *
 * @param json valid JSON in UTF-8
 * @param start where the object begins, or white space before it
 * @param depth how many objects and arrays it stands in
 * @returns its members in their order
 * @throws {InvalidObjectError} if something in it is nested deeper than Go reads
 */
export function membersOf(json: Uint8Array, start: number, depth: number): Member[] {
  const members: Member[] = [];
  let at = skipSpace(json, skipSpace(json, start) + 1);
  while (json[at] !== CLOSE_OBJECT) {
    const nameEnd = endOfString(json, at);
    const name = textOf(json, at, nameEnd);
    const valueStart = skipSpace(json, skipSpace(json, nameEnd) + 1);
    const end = endOfValue(json, valueStart, depth + 1);
    members.push({ name, start: valueStart, end });
    at = skipSeparator(json, end);
  }
  return members;
}

/**
 * Tells whether two members of an object have one name.
 *
 * @param members what {@linkcode membersOf} lists
 * @returns true if so
 */
export function hasTwice(members: readonly Member[]): boolean {
  return new Set(members.map(({ name }) => name)).size !== members.length;
}

/**
 * Lists the elements of an array.
 *
 * @param json valid JSON in UTF-8
 * @param start where the array begins
 * @param depth how many objects and arrays it stands in
 * @returns its elements in their order
 * @throws {InvalidObjectError} if something in it is nested deeper than Go reads
 */
export function elementsOf(json: Uint8Array, start: number, depth: number): Span[] {
  const elements: Span[] = [];
  let at = skipSpace(json, start + 1);
  while (json[at] !== CLOSE_ARRAY) {
    const end = endOfValue(json, at, depth + 1);
    elements.push({ start: at, end });
    at = skipSeparator(json, end);
  }
  return elements;
}

const [SPACE, QUOTE, COMMA, BACKSLASH] = [0x20, 0x22, 0x2c, 0x5c];
const FIRST_NOT_ASCII = 0x80;
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The text of a string that stands from `start` to `end`, with its quotes. */
function textOf(json: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start + 1; at < end - 1; at++) {
    const byte = json[at];
    if (byte === undefined || byte === BACKSLASH || byte >= FIRST_NOT_ASCII) {
      return String(JSON.parse(utf8.decode(json.subarray(start, end))));
    }
    text += String.fromCharCode(byte);
  }
  return text;
}

function skipSpace(json: Uint8Array, at: number): number {
  let next = at;
  while (isSpace(json[next])) next++;
  return next;
}

function isSpace(byte: number | undefined): boolean {
  return byte !== undefined && byte <= SPACE;
}

function skipSeparator(json: Uint8Array, at: number): number {
  const next = skipSpace(json, at);
  return json[next] === COMMA ? skipSpace(json, next + 1) : next;
}

function endOfString(json: Uint8Array, at: number): number {
  let next = at + 1;
  for (let byte = json[next]; byte !== QUOTE; byte = json[next]) {
    next += byte === BACKSLASH ? 2 : 1;
  }
  return next + 1;
}

function endOfValue(json: Uint8Array, start: number, depth: number): number {
  let next = start;
  let inner = 0;
  do {
    const byte = json[next];
    if (byte === QUOTE) {
      next = endOfString(json, next);
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      inner++;
      if (depth + inner > MAX_DEPTH) {
        throw new InvalidObjectError(`is nested deeper than ${MAX_DEPTH}, which Go does not read`);
      }
      next++;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      inner--;
      next++;
    } else if (inner === 0) {
      return endOfWord(json, next);
    } else next++;
  } while (inner > 0);
  return next;
}

/** A number, true, false or null ends where something else begins. */
function endOfWord(json: Uint8Array, start: number): number {
  let next = start;
  for (;;) {
    const byte = json[next];
    const ends = byte === undefined || byte <= SPACE || byte === COMMA ||
      byte === CLOSE_OBJECT || byte === CLOSE_ARRAY;
    if (ends) return next;
    next++;
  }
}
