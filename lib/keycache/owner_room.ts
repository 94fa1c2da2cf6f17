import type { Owner } from "./key_row.ts";

/** More components than this never share one object. */
const MAX_COMPONENTS = 64;
/**
 * What one component may take of a row for all versions and groups that it holds the object in:
 * four of them with names of common length. Its first always has room.
 */
const COMPONENT_BYTES = 1_024;
/** A row, and the intent that writes it, must each stay within one record of 64 KiB. */
const MAX_BYTES = 48 * 1_024;
/** Of the numbers and the hash that stand for a file, and what separates them. */
const OVERHEAD_BYTES = 140;

/**
 * Tells why a row has no room for one more owner. What a component takes of it does not grow with
 * its entries: so it can't take the room that another needs.
 *
 * @param owners those that are there
 * @param owner one that is none of them
 * @returns a reason in a few words; undefined if there is room
 */
export function whyNoRoom(owners: readonly Owner[], owner: Owner): string | undefined {
  const components = new Set([owner.component]);
  let own = 0;
  let all = bytesOf(owner);
  for (const other of owners) {
    const bytes = bytesOf(other);
    components.add(other.component);
    all += bytes;
    if (other.component === owner.component) own += bytes;
  }
  if (own > 0 && own + bytesOf(owner) > COMPONENT_BYTES) {
    return "its component holds this object in too many other versions or groups";
  }
  return components.size > MAX_COMPONENTS || all > MAX_BYTES
    ? "has more owners than one record holds"
    : undefined;
}

function bytesOf({ component, gvr, uid, resourceVersion }: Owner): number {
  const json = JSON.stringify([component, gvr, uid, resourceVersion]);
  // Text is at most 3 bytes a UTF-16 unit, ASCII one.
  return OVERHEAD_BYTES + json.length * (/^[ -~]*$/.test(json) ? 1 : 3);
}
