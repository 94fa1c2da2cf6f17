import { type Gvr, gvrOf } from "./gvr.ts";
import { InvalidObjectError } from "./invalid_object_error.ts";
import { elementsOf, hasTwice, isRecord, membersOf, parseJsonObject } from "./json.ts";

const encoder = new TextEncoder();

/**
 * Takes a Kubernetes List apart. An item is handed on byte for byte, since numbers would not
 * survive being parsed and written again; what lists leave out of their items (apiVersion and
 * kind, which follow from the list's own) is put in.
 *
 * @param bytes the List as JSON
 * @param gvr what the items should be
 * @returns the items as JSON, each an object
 * @throws {InvalidObjectError} if it is no List, or one of another apiVersion, if a key stands twice
 * in it, or if it is nested deeper than 10,000
 */
export function splitObjectList(bytes: Uint8Array, gvr: Gvr): Uint8Array[] {
  const { kind, apiVersion, items } = parseJsonObject(bytes);
  if (typeof kind !== "string" || !kind.endsWith("List")) {
    throw new InvalidObjectError("kind is not that of a List");
  }
  const itemKind = kind.slice(0, -"List".length);
  if (typeof apiVersion !== "string" || (itemKind !== "" && !isOf(gvr, apiVersion))) {
    throw new InvalidObjectError("apiVersion of the List is not that of its path");
  }
  const members = membersOf(bytes, 0, 0);
  if (hasTwice(members)) throw new InvalidObjectError("a key stands twice in the List");
  // An empty list of Go's is null.
  if (items === null) return [];
  const member = members.find(({ name }) => name === "items");
  if (!Array.isArray(items) || !member) throw new InvalidObjectError("the List has no items");
  return elementsOf(bytes, member.start, 1).map(({ start, end }, index) => {
    const item: unknown = items[index];
    if (!isRecord(item)) throw new InvalidObjectError(`items[${index}]: is not a JSON object`);
    const missing = itemKind === "" ? [] : [
      ...(Object.hasOwn(item, "kind") ? [] : [`"kind":${JSON.stringify(itemKind)}`]),
      ...(Object.hasOwn(item, "apiVersion") ? [] : [`"apiVersion":${JSON.stringify(apiVersion)}`]),
    ];
    if (missing.length === 0) return bytes.subarray(start, end);
    const comma = Object.keys(item).length > 0 ? "," : "";
    const added = encoder.encode(`${comma}${missing.join(",")}}`);
    const whole = new Uint8Array(end - 1 - start + added.length);
    whole.set(bytes.subarray(start, end - 1));
    whole.set(added, end - 1 - start);
    return whole;
  });
}

function isOf(gvr: Gvr, apiVersion: string): boolean {
  const said = gvrOf(gvr.resource, apiVersion);
  return said?.group === gvr.group && said.version === gvr.version;
}
