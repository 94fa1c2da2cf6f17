import { join } from "@std/path";
import { closeSync, constants, existsSync, fchownSync, fstatSync, openSync } from "node:fs";
import { KeyCacheError } from "./errors.ts";
import { effectiveUser, isRoot, takeOnRights } from "./rights.ts";
import { octal, trustWay, type Way } from "./trusted_way.ts";

const WRITABLE_BY_OTHERS = 0o022;
const PLAIN = "the files of a state directory have to be plain ones with one name: see who made " +
  "this one, then remove it, or give another --state-dir";

/** How a file of the state directory is opened: `make` makes it if it is missing. */
export type Opening = "read" | "write" | "make";

/**
 * A state directory, as far as it can be trusted. Its owner can put what they like in the place of
 * any file in it, at any moment. So root takes on the owner's rights before it touches one: what
 * its owner can't write to, nobody writes to by way of it.
 */
export class StatePlace {
  /** Of the directory, as it was given. */
  readonly path: string;
  readonly #way: Way | undefined;

  private constructor(path: string, way: Way | undefined) {
    this.path = path;
    this.#way = way;
  }

  /**
   * Looks at a state directory, and for root at each directory on the way to it.
   *
   * @param path absolute; it may be missing
   * @throws {KeyCacheError} `unsafe` if others can write to it or swap it, `io` if it can't be
   * looked at
   */
  static at(path: string): StatePlace {
    try {
      const way = isRoot() ? trustWay(path) : undefined;
      checkDirectory(path);
      return new StatePlace(path, way);
    } catch (error) {
      throw unusable(path, error);
    }
  }

  /**
   * Makes the directory if it is missing (0700).
   *
   * @returns it, looked at anew
   * @throws {KeyCacheError} `io` if it can't be made, or what {@linkcode StatePlace.at} throws
   */
  make(): StatePlace {
    try {
      using _ = this.actAsOwner();
      Deno.mkdirSync(this.path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw unusable(this.path, error);
    }
    return StatePlace.at(this.path);
  }

  /**
   * Root takes on the rights of the directory's owner; nothing changes for anybody else. It holds
   * for the whole process: nothing else may be under way until it is given back.
   *
   * @returns gives root's rights back when it is disposed of
   * @throws {KeyCacheError} `unsafe` if root may not do that here
   */
  actAsOwner(): Disposable {
    const way = this.#way;
    if (!way?.isReachable || way.uid === 0 || !isRoot()) return { [Symbol.dispose]() {} };
    return takeOnRights(way.uid, way.gid, this.path);
  }

  /**
   * Opens a file of the directory, through no link.
   *
   * @param name of the file
   * @param opening what for
   * @returns the file; the caller closes it
   * @throws {KeyCacheError} `unsafe` if it is not a plain file with one name that is the owner's;
   * what the file system says as an Error with its `code`
   */
  open(name: string, opening: Opening): Deno.FsFile {
    const path = join(this.path, name);
    using _ = this.actAsOwner();
    // A FIFO must not block.
    const flags = constants.O_NOFOLLOW | constants.O_NONBLOCK |
      (opening === "read" ? constants.O_RDONLY : constants.O_RDWR) |
      (opening === "make" ? constants.O_CREAT : 0);
    const looked = this.check(name);
    const fd = openSync(path, flags, 0o600);
    try {
      if (!looked) this.#handOver(fd);
      const file = Deno.openSync(path, { read: true, write: opening !== "read" });
      const info = file.statSync();
      const opened = fstatSync(fd);
      if (info.ino === opened.ino && info.dev === opened.dev && info.nlink === 1) return file;
      file.close();
      throw new KeyCacheError("unsafe", `${path} was swapped while it was opened; ${PLAIN}`);
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Reads a file of the directory, through no link.
   *
   * @param name of the file
   * @param maxBytes how much of it at most
   * @throws {Error} what {@linkcode StatePlace.open} throws
   */
  read(name: string, maxBytes: number): Uint8Array {
    using file = this.open(name, "read");
    const bytes = new Uint8Array(maxBytes);
    let length = 0;
    while (length < maxBytes) {
      const more = file.readSync(bytes.subarray(length));
      if (!more) break;
      length += more;
    }
    return bytes.subarray(0, length);
  }

  /**
   * Looks at what stands at a file's name.
   *
   * @param name of the file
   * @returns what it is; undefined if nothing stands there
   * @throws {KeyCacheError} `unsafe` if it is not a plain file with one name that is the owner's,
   * `io` if it can't be looked at
   */
  check(name: string): Deno.FileInfo | undefined {
    const path = join(this.path, name);
    let info: Deno.FileInfo;
    try {
      info = Deno.lstatSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.NotADirectory) return undefined;
      throw new KeyCacheError("io", `cannot look at ${path}: ${textOf(error)}`, { cause: error });
    }
    const { isSymlink, isFile, nlink, uid } = info;
    if (isSymlink) throw new KeyCacheError("unsafe", `${path} is a symbolic link; ${PLAIN}`);
    if (!isFile) throw new KeyCacheError("unsafe", `${path} is no plain file; ${PLAIN}`);
    if (nlink !== 1) {
      throw new KeyCacheError("unsafe", `${path} has ${nlink} names (hard links); ${PLAIN}`);
    }
    const owner = this.#way?.uid ?? uid;
    if (owner !== 0 && uid !== owner) {
      throw new KeyCacheError(
        "unsafe",
        `${path} is user ${uid}'s, and its directory user ${owner}'s: if it is what it should be, ` +
          `give it to that user (chown ${owner} ${path})`,
      );
    }
    return info;
  }

  /**
   * What root made under its own rights belongs to the directory's owner, so that its service can
   * go on. Only where its owner can't get there does root make something itself.
   *
   * @param name of a file that was just made, if it was
   * @throws {Error} what the file system says
   */
  handOver(name: string): void {
    const path = join(this.path, name);
    if (!this.#handsOver || !existsSync(path)) return;
    const fd = openSync(path, constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      this.#handOver(fd);
    } finally {
      closeSync(fd);
    }
  }

  #handOver(fd: number): void {
    const way = this.#way;
    if (!way || !this.#handsOver) return;
    const info = fstatSync(fd);
    if (info.isFile() && info.nlink === 1) fchownSync(fd, way.uid, way.gid);
  }

  get #handsOver(): boolean {
    return this.#way !== undefined && this.#way.uid !== 0 && !this.#way.isReachable;
  }
}

/**
 * Whose a state directory is, if root is at work on another user's.
 *
 * @param path the directory, which may be missing
 * @returns the user's number; undefined if it is this process's own, or this is not root
 */
export function foreignOwner(path: string): number | undefined {
  if (!isRoot()) return undefined;
  try {
    return Deno.statSync(path).uid || undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unusable(path, error);
  }
}

function checkDirectory(path: string): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  const { mode, uid, isDirectory } = info;
  if (!isDirectory) return;
  if (mode !== null && (mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new KeyCacheError(
      "unsafe",
      `the state directory ${path} can be written to by others (mode ${octal(mode)}): if they ` +
        `are trusted with what is in it so far, close it (chmod 700 ${path}), or give another ` +
        "--state-dir",
    );
  }
  const self = effectiveUser();
  if (self === 0 || uid === 0 || uid === self) return;
  throw new KeyCacheError(
    "unsafe",
    `the state directory ${path} is user ${uid}'s, and this is user ${self}: run this as that ` +
      "user or as root, or give another --state-dir",
  );
}

function unusable(path: string, error: unknown): KeyCacheError {
  if (error instanceof KeyCacheError) return error;
  return new KeyCacheError("io", `cannot use --state-dir ${path}: ${textOf(error)}`, {
    cause: error,
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
