import { directoryIdentity } from "./directory_identity.ts";

/** Component, resource group and namespace: below these there are no directories. */
const LEVELS = 3;
/** More are not looked at; the next full pass begins the watch anew all the same. */
const MAX_DIRECTORIES = 100_000;
/** So many are looked at in one go: an idle node should spend next to nothing on it. */
const AT_ONCE = 64;

/**
 * The directories that a watch is on. A watch follows directories, not paths, and nothing tells of
 * a mount over one of them: so they are looked at, some at a time.
 */
export class WatchedDirectories {
  readonly #root: string;
  readonly #identities = new Map<string, string>();
  #turn: Iterator<[string, string]> = this.#identities.entries();

  /** @param root the real path of the cache root */
  constructor(root: string) {
    this.#root = root;
    this.#noteBelow(root, LEVELS);
  }

  /**
   * Notes what an event told of.
   *
   * @param path anything in the root
   */
  note(path: string): void {
    const level = path.slice(this.#root.length + 1).split("/").length;
    if (path === this.#root || level > LEVELS) return;
    const identity = identityAt(path);
    if (identity === "") this.#identities.delete(path);
    else if (!this.#identities.has(path) && this.#identities.size < MAX_DIRECTORIES) {
      this.#identities.set(path, identity);
      this.#noteBelow(path, LEVELS - level);
    }
  }

  /**
   * Tells whether a directory stands at a path, as of what was noted last.
   *
   * @param path anything in the root
   */
  has(path: string): boolean {
    return this.#identities.has(path);
  }

  /**
   * Looks at the next few.
   *
   * @returns true if one of them is another directory than the one that is watched
   */
  findReplaced(): boolean {
    for (let count = Math.min(AT_ONCE, this.#identities.size); count > 0; count--) {
      let next = this.#turn.next();
      if (next.done) {
        this.#turn = this.#identities.entries();
        next = this.#turn.next();
        if (next.done) return false;
      }
      const [path, identity] = next.value;
      const now = identityAt(path);
      if (now === "") this.#identities.delete(path);
      else if (now !== identity) return true;
    }
    return false;
  }

  #noteBelow(directory: string, levels: number): void {
    if (levels === 0) return;
    try {
      for (const { name, isDirectory } of Deno.readDirSync(directory)) {
        if (!isDirectory || this.#identities.size >= MAX_DIRECTORIES) continue;
        const path = `${directory}/${name}`;
        const identity = identityAt(path);
        if (identity !== "") this.#identities.set(path, identity);
        this.#noteBelow(path, levels - 1);
      }
    } catch (error) {
      // What can't be listed can't be watched: the scan says so.
      if (!(error instanceof Error)) throw error;
    }
  }
}

function identityAt(path: string): string {
  try {
    return directoryIdentity(path);
  } catch (error) {
    if (error instanceof Error) return "";
    throw error;
  }
}
