import type { FileStamp } from "./file_system.ts";
import { isSameStamp } from "./stamps.ts";

/**
 * Since when each directory of the cache has been seen as it is, by a clock that only runs
 * forward. An edge node may boot with a wrong time: by the file times alone its directories could
 * stay too young for years. The caller keeps one between scans of the same root.
 */
export class DirectoryHistory {
  readonly #seen = new Map<string, { readonly stamp: FileStamp; readonly sinceMs: number }>();

  /**
   * Notes one look at a directory.
   *
   * @param path the directory, as it is on disk
   * @param stamp its state
   * @param monotonicMs the time of the look
   * @returns for how long it has been seen in this state; undefined at the first look
   */
  look(path: string, stamp: FileStamp, monotonicMs: number): number | undefined {
    const seen = this.#seen.get(path);
    if (seen !== undefined && isSameStamp(seen.stamp, stamp)) return monotonicMs - seen.sinceMs;
    this.#seen.set(path, { stamp, sinceMs: monotonicMs });
    return undefined;
  }

  /**
   * Forgets directories that are no more, so that this does not grow for ever.
   *
   * @param isThere tells which paths to keep
   */
  retain(isThere: (path: string) => boolean): void {
    for (const path of this.#seen.keys()) if (!isThere(path)) this.#seen.delete(path);
  }
}
