import { type ComponentKeyCache, sameOwner } from "../keycache/mod.ts";
import type { OwnershipChange } from "./ownership.ts";

/** Counts the keys that a component takes up, and that are in etcd already. */
export class Joins {
  readonly #rows: () => ComponentKeyCache["rows"];
  /** New owners by key. */
  readonly #wanted: readonly OwnershipChange[];

  /**
   * Looks at who holds what before anything changes.
   *
   * @param cache what is recorded, now and whenever it is asked for
   * @param changes how owners are to change
   */
  constructor(cache: Pick<ComponentKeyCache, "rows">, changes: Iterable<OwnershipChange>) {
    this.#rows = () => cache.rows;
    this.#wanted = [...changes].flatMap((change) => {
      const before = cache.rows.get(change.key)?.owners ?? [];
      const acquired = change.acquired.filter((owner) =>
        !before.some((other) => sameOwner(other, owner))
      );
      return acquired.length > 0 ? [{ ...change, acquired }] : [];
    });
  }

  /**
   * How many there are as of now.
   *
   * @param created keys that were not in etcd
   */
  count(created: ReadonlySet<string>): number {
    const rows = this.#rows();
    return this.#wanted.filter(({ key, acquired }) => {
      const row = rows.get(key);
      return row !== undefined && row.mod !== null && !created.has(key) &&
        acquired.some((owner) => row.owners.some((other) => sameOwner(other, owner)));
    }).length;
  }
}
