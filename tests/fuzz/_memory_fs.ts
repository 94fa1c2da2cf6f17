import type { DirEntry, FileStamp, FileStat, FileSystem } from "../../lib/fscache/mod.ts";
import { FileTooLargeError, NotRegularFileError } from "../../lib/fscache/mod.ts";

/** What can stand at a path. */
export type Node =
  | { readonly kind: "file"; readonly bytes: Uint8Array }
  | { readonly kind: "directory"; readonly entries: Map<string, Node> }
  | { readonly kind: "symlink" | "other" };

const DIRECTORY_BYTES = 4_096;

/** A file system in memory in which anything may stand anywhere, and any call may fail. */
export class MemoryFs implements FileSystem {
  readonly root: Map<string, Node> = new Map();
  readonly #rootNode: Node = { kind: "directory", entries: this.root };
  /** Paths that can't be read or listed, with what says so. */
  readonly faults = new Map<string, () => Error>();
  readonly #stamps = new WeakMap<Node, FileStamp>();
  #inodes = 0;
  #now = 1_000_000;

  readDir(path: string): DirEntry[] {
    this.#fail(path);
    const node = this.#find(path);
    if (node.kind !== "directory") throw new Deno.errors.NotADirectory(path);
    return Array.from(node.entries, ([name, { kind }]) => ({ name, kind }));
  }

  lstat(path: string): FileStat {
    const node = this.#find(path);
    return { kind: node.kind, birthtimeMs: 0, ...this.#stamp(node) };
  }

  readFile(path: string, maxBytes: number): { bytes: Uint8Array; stamp: FileStamp } {
    this.#fail(path);
    const node = this.#find(path);
    if (node.kind !== "file") throw new NotRegularFileError();
    if (node.bytes.length > maxBytes) throw new FileTooLargeError(maxBytes);
    return { bytes: node.bytes.slice(), stamp: this.#stamp(node) };
  }

  /** What stands at a path, if anything does. */
  get(path: string): Node | undefined {
    let node: Node | undefined = this.#rootNode;
    for (const name of segmentsOf(path)) {
      node = node?.kind === "directory" ? node.entries.get(name) : undefined;
    }
    return node;
  }

  /** Puts something at a path, in the place of what stood there or on the way to it. */
  set(path: string, node: Node): void {
    const segments = segmentsOf(path);
    const name = segments.pop();
    if (name === undefined) throw new Error("the root stays");
    let entries = this.root;
    for (const segment of segments) {
      let next = entries.get(segment);
      if (next?.kind !== "directory") {
        next = { kind: "directory", entries: new Map() };
        entries.set(segment, next);
      }
      entries = next.entries;
    }
    entries.set(name, node);
    this.#now++;
  }

  /** Takes away what stands at a path. */
  remove(path: string): void {
    const at = path.lastIndexOf("/");
    const parent = this.get(path.slice(0, Math.max(0, at)));
    if (parent?.kind === "directory") parent.entries.delete(path.slice(at + 1));
  }

  /** Everything below the root, each directory before what it holds. */
  walk(): { readonly path: string; readonly node: Node }[] {
    const found: { path: string; node: Node }[] = [];
    const visit = (entries: ReadonlyMap<string, Node>, above: string) => {
      for (const [name, node] of entries) {
        const path = above === "" ? name : `${above}/${name}`;
        found.push({ path, node });
        if (node.kind === "directory") visit(node.entries, path);
      }
    };
    visit(this.root, "");
    return found;
  }

  #fail(path: string): void {
    const fault = this.faults.get(segmentsOf(path).join("/"));
    if (fault) throw fault();
  }

  #find(path: string): Node {
    const node = this.get(path);
    if (node === undefined) throw new Deno.errors.NotFound(path);
    return node;
  }

  #stamp(node: Node): FileStamp {
    let stamp = this.#stamps.get(node);
    if (!stamp) {
      const size = node.kind === "file" ? node.bytes.length : DIRECTORY_BYTES;
      stamp = { size, mtimeMs: this.#now, ctimeMs: this.#now, ino: ++this.#inodes };
      this.#stamps.set(node, stamp);
    }
    return stamp;
  }
}

/** Paths begin with the root, `/cache`. */
function segmentsOf(path: string): string[] {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  return path.startsWith("/cache") ? segments.slice(1) : segments;
}
