import type { DeleteSample, DeleteWindow } from "../keycache/mod.ts";
import type { OwnershipChange } from "./ownership.ts";
import type { PlannedOp } from "./pack.ts";

/** What a component's delete window is once a request has made its deletes. */
export interface NotedDeletes {
  /** What is kept of the window; with no deletes of its own, the request only forgets the rest. */
  readonly before: DeleteWindow;
  /** All deletes of the request, oldest first. */
  readonly own: DeleteWindow;
}

/**
 * Counts the deletes of a request as they are made, by component. What is left undone when the
 * request is interrupted must not be counted now, and again when it is made up for.
 */
export class DeleteTally {
  readonly #noted: ReadonlyMap<string, NotedDeletes>;
  readonly #made = new Map<string, number>();

  /** @param noted by component */
  constructor(noted: ReadonlyMap<string, NotedDeletes>) {
    this.#noted = noted;
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
      const noted = this.#noted.get(component);
      if (noted) windows.set(component, [...noted.before, ...firstOf(noted.own, deletes)]);
    }
    return windows;
  }

  /** Notes that so many were made. */
  note(counts: ReadonlyMap<string, number>): void {
    for (const [component, deletes] of counts) this.#made.set(component, deletes);
  }
}

/** The first so many deletes. */
function firstOf(samples: DeleteWindow, deletes: number): DeleteSample[] {
  const first: DeleteSample[] = [];
  let left = deletes;
  for (const sample of samples) {
    const made = Math.min(left, sample.deletes);
    if (made > 0) first.push({ ...sample, deletes: made });
    left -= made;
  }
  return first;
}
