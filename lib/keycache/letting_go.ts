import { type KeyRow, sameOwner } from "./key_row.ts";

/** So many components are remembered beyond their last key; far more than a node has. */
const MAX_COMPONENTS = 1_000;

/**
 * Tells which components are to be remembered: they let go of a key, and it may be their last.
 *
 * @param before the rows as they are, by object key
 * @param changed those that change; null removes one
 * @param remembered components that are remembered already
 * @returns those that are not
 */
export function lettingGo(
  before: ReadonlyMap<string, KeyRow>,
  changed: ReadonlyMap<string, KeyRow | null>,
  remembered: ReadonlySet<string>,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [key, row] of changed) {
    for (const owner of before.get(key)?.owners ?? []) {
      if (remembered.has(owner.component) || remembered.size + names.size >= MAX_COMPONENTS) {
        continue;
      }
      if (!row?.owners.some((other) => sameOwner(other, owner))) names.add(owner.component);
    }
  }
  return names;
}
