import { type DirEntry, FileTooLargeError, NotRegularFileError } from "../../lib/fscache/mod.ts";
import type { FileStamp, FileStat, FileSystem } from "../../lib/fscache/mod.ts";

/** The kernel's clock for file times does not tick more often than this. */
const TICK_MS = 4;
const DIRECTORY_SIZE = 4_096;

interface FileNode {
  readonly kind: "file";
  readonly ino: number;
  readonly birthtimeMs: number;
  bytes: Uint8Array;
  mtimeMs: number;
  ctimeMs: number;
}

interface DirectoryNode {
  readonly kind: "directory";
  readonly ino: number;
  readonly birthtimeMs: number;
  readonly entries: Map<string, FileNode | DirectoryNode>;
  mtimeMs: number;
  ctimeMs: number;
  listable: boolean;
}

/** Something in the file system. */
export interface Walked {
  readonly path: string;
  readonly kind: "file" | "directory";
  /** Undefined for a directory. */
  readonly bytes: Uint8Array | undefined;
  /** Every directory down to it can be listed. */
  readonly readable: boolean;
}

/**
 * A file system in memory. What its writers do are single system calls; between any two calls of a
 * reader, `beforeRead` may let some of them happen.
 */
export class FsModel implements FileSystem {
  readonly #nowMs: () => number;
  readonly #root: DirectoryNode;
  #inodes = 1;
  /** Inode numbers that are free again: the next one is taken first, as ext4 does. */
  readonly #freeInodes: number[] = [];
  /** Called before each call of a reader. */
  beforeRead: (path: string) => void = () => {};
  /** Called before a file is read. */
  beforeFile: (path: string) => void = () => {};
  /** Called in the middle of a listing. */
  duringListing: (path: string) => void = () => {};
  /** Called with what a reader got of a file. */
  onRead: (path: string, bytes: Uint8Array) => void = () => {};
  /** Called after each change, with what it was. */
  changed: (what: string) => void = () => {};

  /** @param nowMs wall clock */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#root = this.#newDirectory();
  }

  readDir(path: string): DirEntry[] {
    this.beforeRead(path);
    const directory = this.#directory(path);
    if (!directory.listable) throw new Deno.errors.PermissionDenied(`readdir ${path}`);
    const before = [...directory.entries];
    this.duringListing(path);
    // What was moved, or made anew, during a listing may be seen, under either name, or under none.
    const after = directory.entries;
    const names = new Map(
      before.filter(([name, node], index) =>
        after.get(name) === node || (index + node.ino) % 2 === 0
      ),
    );
    const came = [...after].filter(([name]) => !before.some(([old]) => old === name));
    for (const [index, [name, node]] of came.entries()) {
      if ((before.length + index) % 2 === 0) names.set(name, node);
    }
    return [...names].map(([name, { kind }]) => ({ name, kind }));
  }

  lstat(path: string): FileStat {
    this.beforeRead(path);
    const node = this.#find(path);
    return { kind: node.kind, birthtimeMs: node.birthtimeMs, ...stampOf(node) };
  }

  readFile(path: string, maxBytes: number): { bytes: Uint8Array; stamp: FileStamp } {
    this.beforeRead(path);
    if (this.has(path)) this.beforeFile(path);
    const node = this.#find(path);
    if (node.kind !== "file") throw new NotRegularFileError();
    if (node.bytes.length > maxBytes) throw new FileTooLargeError(maxBytes);
    const read = { bytes: node.bytes.slice(), stamp: stampOf(node) };
    this.onRead(path, read.bytes);
    return read;
  }

  /** mkdir; one that is there stays. */
  makeDirectory(path: string): void {
    const { parent, name } = this.#parentOf(path);
    if (parent.entries.has(name)) return;
    parent.entries.set(name, this.#newDirectory());
    this.#touch(parent, `mkdir ${path}`);
  }

  /** Writes a file in place, whole; it is made if it is not there. */
  write(path: string, bytes: Uint8Array): void {
    const { parent, name } = this.#parentOf(path);
    const node = parent.entries.get(name);
    const now = this.#time();
    if (node?.kind === "file") {
      node.bytes = bytes;
      node.mtimeMs = now;
      node.ctimeMs = now;
      this.changed(`write ${path} ${bytes.length}`);
      return;
    }
    if (node) throw new Deno.errors.IsADirectory(path);
    parent.entries.set(name, {
      kind: "file",
      ino: this.#newInode(),
      birthtimeMs: now,
      bytes,
      mtimeMs: now,
      ctimeMs: now,
    });
    this.#touch(parent, `create ${path} ${bytes.length}`);
  }

  /** rename(2), which replaces a file or an empty directory. */
  rename(from: string, to: string): void {
    const source = this.#parentOf(from);
    const node = source.parent.entries.get(source.name);
    if (!node) throw new Deno.errors.NotFound(from);
    const target = this.#parentOf(to);
    source.parent.entries.delete(source.name);
    target.parent.entries.set(target.name, node);
    node.ctimeMs = this.#time();
    if (source.parent !== target.parent) this.#touch(source.parent, `rename ${from}`);
    this.#touch(target.parent, `rename ${from} ${to}`);
  }

  /** unlink or rmdir. */
  remove(path: string): void {
    const { parent, name } = this.#parentOf(path);
    const node = parent.entries.get(name);
    if (!node) throw new Deno.errors.NotFound(path);
    if (node.kind === "directory" && node.entries.size > 0) throw new Error(`not empty: ${path}`);
    parent.entries.delete(name);
    this.#freeInodes.push(node.ino);
    this.#touch(parent, `remove ${path}`);
  }

  /** What an update of some object does to its directory, if there is one. */
  touch(path: string): void {
    if (this.has(path)) this.#touch(this.#directory(path), `touch ${path}`);
  }

  /** Lets a directory be listed, or not. */
  setListable(path: string, listable: boolean): void {
    const directory = this.#directory(path);
    if (directory.listable === listable) return;
    directory.listable = listable;
    this.changed(`${listable ? "listable" : "unlistable"} ${path}`);
  }

  /** All files and directories below a path, each directory before what it holds. */
  walk(below = ""): Walked[] {
    const found: Walked[] = [];
    const visit = (directory: DirectoryNode, path: string, reachable: boolean) => {
      const readable = reachable && directory.listable;
      for (const [name, node] of directory.entries) {
        const at = path === "" ? name : `${path}/${name}`;
        const bytes = node.kind === "file" ? node.bytes : undefined;
        found.push({ path: at, kind: node.kind, bytes, readable });
        if (node.kind === "directory") visit(node, at, readable);
      }
    };
    const start = this.has(below) ? this.#find(below) : undefined;
    if (start?.kind === "directory") visit(start, below, true);
    return found;
  }

  /** Tells whether something stands at a path. */
  has(path: string): boolean {
    let node: FileNode | DirectoryNode | undefined = this.#root;
    for (const name of segmentsOf(path)) {
      node = node?.kind === "directory" ? node.entries.get(name) : undefined;
    }
    return node !== undefined;
  }

  /** Tells whether a directory stands at a path. */
  isDirectory(path: string): boolean {
    return this.has(path) && this.#find(path).kind === "directory";
  }

  /** Tells what stands at a path from what stood there before; empty if nothing does. */
  identityOf(path: string): string {
    if (!this.has(path)) return "";
    const { ino, birthtimeMs } = this.#find(path);
    return `${ino} ${birthtimeMs}`;
  }

  /** Names in a directory that may be missing. */
  names(path: string): string[] {
    const node = this.has(path) ? this.#find(path) : undefined;
    return node?.kind === "directory" ? [...node.entries.keys()] : [];
  }

  #newDirectory(): DirectoryNode {
    const now = this.#time();
    return {
      kind: "directory",
      ino: this.#newInode(),
      birthtimeMs: now,
      entries: new Map(),
      mtimeMs: now,
      ctimeMs: now,
      listable: true,
    };
  }

  #newInode(): number {
    return this.#freeInodes.pop() ?? ++this.#inodes;
  }

  #time(): number {
    return Math.floor(this.#nowMs() / TICK_MS) * TICK_MS;
  }

  #touch(directory: DirectoryNode, what: string): void {
    directory.mtimeMs = this.#time();
    directory.ctimeMs = directory.mtimeMs;
    this.changed(what);
  }

  #find(path: string): FileNode | DirectoryNode {
    let node: FileNode | DirectoryNode = this.#root;
    for (const name of segmentsOf(path)) {
      if (node.kind !== "directory") throw new Deno.errors.NotADirectory(path);
      const next: FileNode | DirectoryNode | undefined = node.entries.get(name);
      if (!next) throw new Deno.errors.NotFound(path);
      node = next;
    }
    return node;
  }

  #directory(path: string): DirectoryNode {
    const node = this.#find(path);
    if (node.kind !== "directory") throw new Deno.errors.NotADirectory(path);
    return node;
  }

  #parentOf(path: string): { parent: DirectoryNode; name: string } {
    const segments = segmentsOf(path);
    const name = segments.pop();
    if (name === undefined) throw new Error("the root has no parent");
    return { parent: this.#directory(segments.join("/")), name };
  }
}

function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "" && segment !== ".");
}

function stampOf(node: FileNode | DirectoryNode): FileStamp {
  const { mtimeMs, ctimeMs, ino } = node;
  return { size: node.kind === "file" ? node.bytes.length : DIRECTORY_SIZE, mtimeMs, ctimeMs, ino };
}
