import type { ListedDirectories } from "./listed_directories.ts";
import { backupOf, stands } from "./way.ts";

interface Seen {
  readonly identity: string;
  /** The first look at it, by a clock that only runs forward, in ms. */
  readonly sinceMs: number;
}

/**
 * Since when each component's directory has been seen without a backup beside it. That a backup of a
 * whole component was removed shows in no directory but the root, which changes for other reasons.
 */
export class ComponentLooks {
  readonly #seen = new Map<string, Seen>();

  /**
   * Notes what a walk listed. A component that it did not look at stays as it was noted.
   *
   * @param listed the directories that the walk listed
   * @param components the names of all that exist
   * @param atMs the time of this look, by a clock that only runs forward, in ms
   */
  note(listed: ListedDirectories, components: ReadonlySet<string>, atMs: number): void {
    for (const component of this.#seen.keys()) {
      if (!components.has(component)) this.#seen.delete(component);
    }
    for (const component of components) {
      const identity = listed.get(component)?.identity;
      if (identity === undefined) continue;
      if (mayHaveBackup(listed, component)) this.#seen.delete(component);
      else if (this.#seen.get(component)?.identity !== identity) {
        this.#seen.set(component, { identity, sinceMs: atMs });
      }
    }
  }

  /**
   * Since when the directory that the last look found has been seen without a backup.
   *
   * @param component its name
   * @returns ms of the clock that only runs forward; undefined if it was not seen so
   */
  sinceMs(component: string): number | undefined {
    return this.#seen.get(component)?.sinceMs;
  }
}

function mayHaveBackup(listed: ListedDirectories, component: string): boolean {
  try {
    return stands(listed, backupOf(component));
  } catch {
    // What can't be looked at may be there.
    return true;
  }
}
