import { type Gvr, gvrOf } from "./gvr.ts";
import { InvalidObjectError } from "./object_meta.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Takes a Kubernetes List apart. An item is handed on byte for byte, since numbers would not
 * survive being parsed and written again; what lists leave out of their items (apiVersion and
 * kind, which follow from the list's own) is put in.
 *
 * @param bytes the List as JSON
 * @param gvr what the items should be
 * @returns the items as JSON, each an object
 * @throws {InvalidObjectError} if it is no List, or one of another apiVersion
 */
export function splitObjectList(bytes: Uint8Array, gvr: Gvr): Uint8Array[] {
  const list = parse(bytes);
  const { kind, apiVersion, items } = list;
  if (typeof kind !== "string" || !kind.endsWith("List")) {
    throw new InvalidObjectError("kind is not that of a List");
  }
  const itemKind = kind.slice(0, -"List".length);
  if (typeof apiVersion !== "string" || (itemKind !== "" && !isOf(gvr, apiVersion))) {
    throw new InvalidObjectError("apiVersion of the List is not that of its path");
  }
  // An empty list of Go's is null.
  if (items === null) return [];
  if (!Array.isArray(items)) throw new InvalidObjectError("the List has no items");
  const slices = sliceItems(bytes);
  return items.map((item: unknown, index) => {
    const slice = slices[index];
    if (!isRecord(item) || !slice) throw new InvalidObjectError("an item is not a JSON object");
    if (itemKind === "") return slice;
    const missing = [
      ...(isBlank(item.kind) ? [`"kind":${JSON.stringify(itemKind)}`] : []),
      ...(isBlank(item.apiVersion) ? [`"apiVersion":${JSON.stringify(apiVersion)}`] : []),
    ];
    return missing.length === 0 ? slice : withMembers(slice, missing, Object.keys(item).length > 0);
  });
}

function parse(bytes: Uint8Array): Record<string, unknown> {
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

function isOf(gvr: Gvr, apiVersion: string): boolean {
  const said = gvrOf(gvr.resource, apiVersion);
  return said?.group === gvr.group && said.version === gvr.version;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/** Members go last: of two with one name, the last counts. */
function withMembers(object: Uint8Array, members: readonly string[], more: boolean): Uint8Array {
  const added = encoder.encode(`${more ? "," : ""}${members.join(",")}}`);
  const whole = new Uint8Array(object.length - 1 + added.length);
  whole.set(object.subarray(0, -1));
  whole.set(added, object.length - 1);
  return whole;
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Where the items stand in a List that is known to be valid JSON. */
function sliceItems(bytes: Uint8Array): Uint8Array[] {
  let items: Uint8Array[] = [];
  let at = skipSpace(bytes, skipSpace(bytes, 0) + 1);
  while (bytes[at] !== CLOSE_OBJECT) {
    const nameEnd = skipValue(bytes, at);
    const name: unknown = JSON.parse(utf8.decode(bytes.subarray(at, nameEnd)));
    const start = skipSpace(bytes, skipSpace(bytes, nameEnd) + 1);
    at = skipValue(bytes, start);
    if (name === "items") items = elementsOf(bytes.subarray(start, at));
    at = skipSeparator(bytes, at);
  }
  return items;
}

function elementsOf(array: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  let at = skipSpace(array, 1);
  while (array[0] === OPEN_ARRAY && array[at] !== CLOSE_ARRAY) {
    const end = skipValue(array, at);
    elements.push(array.subarray(at, end));
    at = skipSeparator(array, end);
  }
  return elements;
}

function skipSeparator(bytes: Uint8Array, at: number): number {
  const next = skipSpace(bytes, at);
  return bytes[next] === COMMA ? skipSpace(bytes, next + 1) : next;
}

function skipSpace(bytes: Uint8Array, at: number): number {
  let next = at;
  while (next < bytes.length && (bytes[next] ?? 0) <= 0x20) next++;
  return next;
}

/** @returns the index right after the value that begins at `at` */
function skipValue(bytes: Uint8Array, at: number): number {
  let depth = 0;
  for (let next = at; next < bytes.length; next++) {
    const byte = bytes[next];
    if (byte === QUOTE) {
      next = endOfString(bytes, next);
      if (depth === 0) return next + 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth++;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth--;
      if (depth === 0) return next + 1;
      // What ends here is what holds the number, true, false or null.
      if (depth < 0) return next;
    } else if (depth === 0 && (byte === COMMA || byte === COLON || (byte ?? 0) <= 0x20)) {
      return next;
    }
  }
  return bytes.length;
}

/** @returns the index of the quote that closes the string */
function endOfString(bytes: Uint8Array, at: number): number {
  let next = at + 1;
  while (next < bytes.length && bytes[next] !== QUOTE) next += bytes[next] === BACKSLASH ? 2 : 1;
  return next;
}
