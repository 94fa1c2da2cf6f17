import { closeSync, constants, fstatSync, readSync } from "node:fs";
import { FileTooLargeError, NotRegularFileError, openForReading } from "../regular_file.ts";
import { FileChangingError } from "./file_errors.ts";
import type { DirEntry, FileStamp, FileStat, FileSystem } from "./file_system.ts";
import { isSameStamp } from "./stamps.ts";
import { directoriesTo, haveRested, standsAt } from "./way_proof.ts";

const READ_ATTEMPTS = 3;
/** A directory of so many bytes or fewer holds no more names than can be listed without a thought. */
const SMALL_DIRECTORY_BYTES = 512 * 1024;

/** The file system of this machine. */
export class DenoFileSystem implements FileSystem {
  readonly #root: string;

  /**
   * The file system, as it is seen from a cache.
   *
   * @param root the cache root: below it, no link is followed to a file's content
   */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Lists a directory.
   *
   * @param path the directory
   * @returns its names, in no order
   */
  readDir(path: string): DirEntry[] {
    const entries: DirEntry[] = [];
    for (const entry of Deno.readDirSync(path)) {
      entries.push({ name: entry.name, kind: kindOf(entry) });
    }
    return entries;
  }

  /**
   * Counts the entries of a large directory: a listing of a million takes 600 MB, a count 20.
   *
   * @param path the directory
   * @param entries how many it may hold
   * @returns true if it holds more; false also if it can't be listed
   */
  async holdsMore(path: string, entries: number): Promise<boolean> {
    try {
      if (Deno.lstatSync(path).size <= SMALL_DIRECTORY_BYTES) return false;
      let count = 0;
      for await (const _ of Deno.readDir(path)) if (++count > entries) return true;
      return false;
    } catch (error) {
      // Who lists it meets the same.
      if (error instanceof Error) return false;
      throw error;
    }
  }

  /**
   * Stats a path without following a symlink. Deno gives the ctime in whole seconds.
   *
   * @param path anything
   * @returns its kind and stamp; where there is no ctime, the mtime stands in for it
   */
  lstat(path: string): FileStat {
    const info = Deno.lstatSync(path);
    const mtimeMs = info.mtime?.getTime() ?? 0;
    return {
      kind: kindOf(info),
      size: info.size,
      mtimeMs,
      ctimeMs: info.ctime?.getTime() ?? mtimeMs,
      ino: info.ino ?? 0,
      birthtimeMs: info.birthtime?.getTime() ?? 0,
    };
  }

  /**
   * Reads a regular file whole, without following a symlink and without blocking on a FIFO. Whoever
   * writes a directory could exchange it with a link while it is read: what was read by way of one
   * is never answered.
   *
   * @param path the file
   * @param maxBytes what it may hold at most
   * @returns its bytes (a buffer of its own) and its stamp
   * @throws {Deno.errors.NotFound} if it is not there, or is not what was opened
   * @throws {FileTooLargeError} if it holds more
   * @throws {NotRegularFileError} if it is anything else than a regular file
   * @throws {FileChangingError} if it was written to during each attempt
   */
  readFile(path: string, maxBytes: number): { bytes: Uint8Array; stamp: FileStamp } {
    // The same stamp before and after tells that it is the stamp of what was opened, and that
    // nobody wrote meanwhile: half an old and half a new object could still parse. (An fstat would
    // tell the first too, but takes far longer here than two lstats.)
    const directories = directoriesTo(this.#root, path);
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const nowMs = Date.now();
      const before = this.lstat(path);
      if (before.kind !== "file") throw new NotRegularFileError();
      if (before.size > maxBytes) throw new FileTooLargeError(maxBytes);
      const isYoung = !haveRested(directories, nowMs);
      const { bytes, opened } = readBytes(path, before.size, isYoung);
      const isWhole = bytes.length === before.size && isSameStamp(before, this.lstat(path));
      if (opened === undefined) {
        if (!haveRested(directories, nowMs)) continue;
      } else if (!standsAt(directories, path, opened)) {
        if (attempt + 1 < READ_ATTEMPTS) continue;
        throw new Deno.errors.NotFound("another file was opened than stands there");
      }
      if (!isWhole) continue;
      const { size, mtimeMs, ctimeMs, ino } = before;
      return { bytes, stamp: { size, mtimeMs, ctimeMs, ino } };
    }
    throw new FileChangingError();
  }
}

/**
 * Reads so many bytes, or fewer if the file ends before.
 *
 * @param identify tell which file it was, too
 */
function readBytes(path: string, size: number, identify: boolean) {
  const file = openForReading(path, constants.O_NOFOLLOW);
  try {
    const bytes = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const count = readSync(file, bytes, length, size - length, null);
      if (count === 0) break;
      length += count;
    }
    return { bytes: bytes.subarray(0, length), opened: identify ? fstatSync(file) : undefined };
  } finally {
    closeSync(file);
  }
}

function kindOf(
  info: { isFile: boolean; isDirectory: boolean; isSymlink: boolean },
): DirEntry["kind"] {
  if (info.isFile) return "file";
  if (info.isDirectory) return "directory";
  return info.isSymlink ? "symlink" : "other";
}
