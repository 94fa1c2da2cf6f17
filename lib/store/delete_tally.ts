import type { DeleteWindow } from "../keycache/mod.ts";
import type { OwnershipChange } from "./ownership.ts";
import type { PlannedOp } from "./pack.ts";

/**
 * Counts the deletes of a request as they are made, by component. What is left undone when the
 * request is interrupted must not be counted now, and again when it is made up for.
 */
export class DeleteTally {
  readonly #windows: ReadonlyMap<string, DeleteWindow>;
  readonly #made = new Map<string, number>();

  /**
   * @param windows by component; the last sample of each is the request's own, and an empty one
   * forgets what was
   */
  constructor(windows: ReadonlyMap<string, DeleteWindow>) {
    this.#windows = windows;
  }

  /**
   * Deletes of each component that has some in a batch, with those that were made before.
   *
   * @param batch what one Txn is to do
   * @param changes of owners, by object key
   */
  with(
    batch: readonly PlannedOp[],
    changes: ReadonlyMap<string, OwnershipChange>,
  ): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { action, key } of batch) {
      if (action !== "delete") continue;
      const released = changes.get(key)?.released ?? [];
      for (const component of new Set(released.map((owner) => owner.component))) {
        const before = counts.get(component) ?? this.#made.get(component) ?? 0;
        counts.set(component, before + 1);
      }
    }
    return counts;
  }

  /** The delete windows that change once so many deletes were made. */
  windows(counts: ReadonlyMap<string, number>): ReadonlyMap<string, DeleteWindow> {
    const windows = new Map<string, DeleteWindow>();
    for (const [component, deletes] of counts) {
      const window = this.#windows.get(component);
      const last = window?.at(-1);
      if (window) windows.set(component, last ? window.with(-1, { ...last, deletes }) : []);
    }
    return windows;
  }

  /** Notes that so many were made. */
  note(counts: ReadonlyMap<string, number>): void {
    for (const [component, deletes] of counts) this.#made.set(component, deletes);
  }
}
