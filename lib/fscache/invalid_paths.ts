import type { InvalidKind, InvalidPath } from "./snapshot.ts";

/** A broken disk or a stray program can leave any number of bad files: so many of each component. */
export const MAX_INVALID_PATHS = 10_000;

/** What a scan found that can't be imported, and which recorded paths are kept because of it. */
export class InvalidPaths {
  readonly #list: InvalidPath[] = [];
  readonly #kept = new Set<string>();
  /** How many are listed, by component. */
  readonly #listed = new Map<string, number>();

  /** Each path with its reason; the last one of a component says so if there are more. */
  get list(): readonly InvalidPath[] {
    return this.#list;
  }

  /**
   * Adds one.
   *
   * @param path as it is on disk
   * @param canonicalPath what it stands for: this, and all below it, is kept
   * @param reason in a few words, without content
   * @param kind what makes it so, if it is not the path itself
   */
  add(path: string, canonicalPath: string, reason: string, kind?: InvalidKind): void {
    const [component = ""] = canonicalPath.split("/", 1);
    const listed = this.#listed.get(component) ?? 0;
    this.#listed.set(component, listed + 1);
    // What concerns a component as a whole is always told, and keeps no other one.
    if (listed < MAX_INVALID_PATHS || !canonicalPath.includes("/")) {
      this.#list.push({ path, reason, ...(kind && { kind }) });
      this.#kept.add(canonicalPath);
      return;
    }
    if (listed === MAX_INVALID_PATHS) {
      this.#list.push({
        path,
        reason: `${reason}; more are not listed`,
        ...(kind && { kind }),
      });
    }
    // To stay small, the whole directory is kept instead of each path in it.
    this.#kept.add(canonicalPath.slice(0, canonicalPath.lastIndexOf("/")));
  }

  /**
   * Tells whether a recorded path is kept.
   *
   * @param path canonical path
   * @returns true if it, or a directory on the way to it, is invalid
   */
  keeps(path: string): boolean {
    if (this.#kept.has(path)) return true;
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
      if (this.#kept.has(path.slice(0, end))) return true;
    }
    return false;
  }
}
