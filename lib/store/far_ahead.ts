import type { KeyRow } from "../keycache/mod.ts";

/** A component whose resourceVersions are far beyond those of all others. */
export interface FarAhead {
  /** Its name. */
  readonly component: string;
  /** One of the keys. */
  readonly key: string;
  /** What the component has there. */
  readonly resourceVersion: string;
  /** How many of its keys it is. */
  readonly keys: number;
}

/** What is looked at of a row. */
export type HeldKey = Pick<KeyRow, "key" | "owners">;

/** A cloud that writes a thousand times a second gets so far in four months; most take years. */
const LEAP = 1e10;

/**
 * Finds a component that holds resourceVersions which no cloud of the others can have come to: more
 * than twice the newest of all other components, and ten thousand million beyond. As long as it holds
 * them, nothing that is newer in truth counts. A cloud whose versions are times (in microseconds,
 * say) never doubles them.
 *
 * @param rows what is recorded, or would be
 * @returns the component, if there is one
 */
export function farAhead(rows: ReadonlyMap<string, HeldKey>): FarAhead | undefined {
  const newest = new Map<string, number>();
  for (const { owners } of rows.values()) {
    for (const { component, resourceVersion } of owners) {
      const version = Number(resourceVersion);
      if (version > (newest.get(component) ?? 0)) newest.set(component, version);
    }
  }
  const [top, ...others] = [...newest].sort(([, a], [, b]) => b - a);
  if (!top) return undefined;
  const [component, version] = top;
  const reference = others[0]?.[1] ?? newestButOne(rows, version);
  const isFar = (text: string) => Number(text) > 2 * reference + LEAP;
  if (reference === 0 || version <= 2 * reference + LEAP) return undefined;
  let first: Pick<FarAhead, "key" | "resourceVersion"> | undefined;
  let keys = 0;
  for (const { key, owners } of rows.values()) {
    const far = owners.find((owner) =>
      owner.component === component && isFar(owner.resourceVersion)
    );
    if (!far) continue;
    first ??= { key, resourceVersion: far.resourceVersion };
    keys++;
  }
  return first && { component, ...first, keys };
}

/** Where there is one component alone, its own other versions have to tell. */
function newestButOne(rows: ReadonlyMap<string, HeldKey>, newest: number): number {
  let next = 0;
  for (const { owners } of rows.values()) {
    for (const { resourceVersion } of owners) {
      const version = Number(resourceVersion);
      if (version < newest && version > next) next = version;
    }
  }
  return next;
}
