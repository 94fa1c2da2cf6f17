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
  readonly #special = new Set<string>();
  /** Paths at which one was, and is no more. */
  readonly #gone = new Set<string>();
  #isRemade = false;
  #turn: Iterator<[string, Noted]> = this.#noted.entries();

  /** @param root the real path of the cache root */
  constructor(root: string) {
    this.#root = root;
    this.#noteBelow(root, LEVELS);
  }

  /** All of them but the root. */
  get paths(): IteratorObject<string> {
    return this.#noted.keys();
  }

  /** Components with more than are watched. */
  get tooMany(): ReadonlySet<string> {
    return this.#tooMany;
  }

  /** Tells whether one was made where another had been: a watch may stay on the one that is gone. */
  get isRemade(): boolean {
    return this.#isRemade;
  }

  /**
   * Directories with something in them that is neither file nor directory. Deno opens what an event
   * is about, and waits at a FIFO for ever: these must not be watched.
   */
  get special(): ReadonlySet<string> {
    return this.#special;
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
   * Looks whether something that is neither file nor directory was just made near directories.
   *
   * @param paths directories
   * @returns true if something was, in any directory of their components
   */
  hasNewSpecial(paths: readonly string[]): boolean {
    const components = new Set(paths.map((path) => this.#componentOf(path)));
    for (const [directory, noted] of this.#noted) {
      if (!components.has(this.#componentOf(directory))) continue;
      if (this.#special.has(directory) || noted.mtimeMs === mtimeAt(directory)) continue;
      if (holdsSpecial(directory)) return true;
    }
    return false;
  }

  /**
   * Looks at the next few.
   *
   * @returns true if one of them is another directory than the one that is watched, or can be
   * watched now
   */
  findReplaced(): boolean {
    if ([...this.#special].some((path) => this.#isOrdinaryNow(path))) return true;
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

  #isOrdinaryNow(path: string): boolean {
    const noted = this.#noted.get(path);
    const mtimeMs = mtimeAt(path);
    if (noted?.mtimeMs === mtimeMs) return false;
    if (noted) noted.mtimeMs = mtimeMs;
    return !holdsSpecial(path);
  }

  #forget(path: string): void {
    this.#special.delete(path);
    if (!this.#noted.delete(path)) return;
    this.#gone.add(path);
    const component = this.#componentOf(path);
    this.#counts.set(component, (this.#counts.get(component) ?? 1) - 1);
  }

  #note(path: string, levelsBelow: number): string[] {
    const identity = identityAt(path);
    if (identity === "" || this.#noted.has(path)) return [];
    this.#isRemade ||= this.#gone.has(path);
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
    const fresh: string[] = [];
    try {
      if (directory !== this.#root && Deno.lstatSync(directory).size > MAX_LISTED_BYTES) {
        if (levels > 0) this.#tooMany.add(this.#componentOf(directory));
        return [];
      }
      for (const entry of Deno.readDirSync(directory)) {
        if (isSpecial(directory, entry)) this.#special.add(directory);
        if (!entry.isDirectory || levels === 0) continue;
        fresh.push(...this.#note(`${directory}/${entry.name}`, levels - 1));
      }
    } catch (error) {
      // What can't be listed can't be watched: the scan says so.
      if (!(error instanceof Error)) throw error;
    }
    return fresh;
  }
}

/** False also if that can't be found out: then nothing tells of it, either. */
function holdsSpecial(directory: string): boolean {
  try {
    if (Deno.lstatSync(directory).size > MAX_LISTED_BYTES) return false;
    return Deno.readDirSync(directory).some((entry) => isSpecial(directory, entry));
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

/** A link counts as what it leads to: who opens it opens that. */
function isSpecial(directory: string, entry: Deno.DirEntry): boolean {
  if (!entry.isSymlink) return !entry.isFile && !entry.isDirectory;
  try {
    const { isFile, isDirectory } = Deno.statSync(`${directory}/${entry.name}`);
    return !isFile && !isDirectory;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
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
