import { directoryIdentity } from "./directory_identity.ts";

/** Component, resource group and namespace: below these there are no directories. */
const LEVELS = 3;
/** More of one component are not watched, so that it does not use up what the kernel allows. */
export const MAX_DIRECTORIES_OF_COMPONENT = 4_096;
/** A directory that is larger itself holds some hundred thousand names, and is not listed for it. */
const MAX_LISTED_BYTES = 8 * 1024 * 1024;
/** So many are looked at in one go: an idle node should spend next to nothing on it. */
const AT_ONCE = 64;

interface Noted {
  readonly identity: string;
  /** Before it was listed. */
  mtimeMs: number;
}

/**
 * The directories of a cache that are to be watched: real ones, no further down than objects stand.
 * A watch follows directories, not paths, and nothing tells of a mount over one of them: so they are
 * looked at, some at a time.
 */
export class WatchedDirectories {
  readonly #root: string;
  readonly #noted = new Map<string, Noted>();
  readonly #counts = new Map<string, number>();
  readonly #tooMany = new Set<string>();
  #turn: Iterator<[string, Noted]> = this.#noted.entries();

  /** @param root the real path of the cache root */
  constructor(root: string) {
    this.#root = root;
    this.#noteBelow(root, LEVELS);
  }

  /** All of them but the root. */
  get paths(): IterableIterator<string> {
    return this.#noted.keys();
  }

  /** Components with more than are watched. */
  get tooMany(): ReadonlySet<string> {
    return this.#tooMany;
  }

  /**
   * Notes what an event told of.
   *
   * @param path anything in the root
   * @returns directories that were not known before, this one or below it
   */
  note(path: string): string[] {
    const level = this.#levelOf(path);
    if (path === this.#root || level > LEVELS) return [];
    if (identityAt(path) === "") {
      this.#forget(path);
      return [];
    }
    return this.#note(path, LEVELS - level);
  }

  /**
   * Looks again at directories in which something was made after they were listed.
   *
   * @param paths which; they are watched by now
   * @returns directories that were not known before
   */
  overtaken(paths: Iterable<string>): string[] {
    const fresh: string[] = [];
    for (const path of [...paths]) {
      const noted = this.#noted.get(path);
      const mtimeMs = mtimeAt(path);
      if (noted === undefined || noted.mtimeMs === mtimeMs) continue;
      noted.mtimeMs = mtimeMs;
      fresh.push(...this.#noteBelow(path, LEVELS - this.#levelOf(path)));
    }
    return fresh;
  }

  /**
   * Tells whether a directory stands at a path, as of what was noted last.
   *
   * @param path anything in the root
   */
  has(path: string): boolean {
    return this.#noted.has(path);
  }

  /**
   * Looks at the next few.
   *
   * @returns true if one of them is another directory than the one that is watched
   */
  findReplaced(): boolean {
    for (let count = Math.min(AT_ONCE, this.#noted.size); count > 0; count--) {
      let next = this.#turn.next();
      if (next.done) {
        this.#turn = this.#noted.entries();
        next = this.#turn.next();
        if (next.done) return false;
      }
      const [path, { identity }] = next.value;
      const now = identityAt(path);
      if (now === "") this.#forget(path);
      else if (now !== identity) return true;
    }
    return false;
  }

  #levelOf(path: string): number {
    return path.slice(this.#root.length + 1).split("/").length;
  }

  #componentOf(path: string): string {
    return path.slice(this.#root.length + 1).split("/", 1).join();
  }

  #forget(path: string): void {
    if (!this.#noted.delete(path)) return;
    const component = this.#componentOf(path);
    this.#counts.set(component, (this.#counts.get(component) ?? 1) - 1);
  }

  #note(path: string, levelsBelow: number): string[] {
    const identity = identityAt(path);
    if (identity === "" || this.#noted.has(path)) return [];
    const component = this.#componentOf(path);
    const count = this.#counts.get(component) ?? 0;
    if (count >= MAX_DIRECTORIES_OF_COMPONENT) {
      this.#tooMany.add(component);
      return [];
    }
    this.#counts.set(component, count + 1);
    this.#noted.set(path, { identity, mtimeMs: mtimeAt(path) });
    return [path, ...this.#noteBelow(path, levelsBelow)];
  }

  #noteBelow(directory: string, levels: number): string[] {
    if (levels === 0) return [];
    const fresh: string[] = [];
    try {
      if (directory !== this.#root && Deno.lstatSync(directory).size > MAX_LISTED_BYTES) {
        this.#tooMany.add(this.#componentOf(directory));
        return [];
      }
      for (const { name, isDirectory } of Deno.readDirSync(directory)) {
        if (isDirectory) fresh.push(...this.#note(`${directory}/${name}`, levels - 1));
      }
    } catch (error) {
      // What can't be listed can't be watched: the scan says so.
      if (!(error instanceof Error)) throw error;
    }
    return fresh;
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

function mtimeAt(path: string): number {
  try {
    return Deno.lstatSync(path).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Error) return 0;
    throw error;
  }
}
