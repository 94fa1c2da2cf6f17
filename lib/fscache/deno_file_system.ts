import { closeSync, constants, openSync, readSync } from "node:fs";
import { FileChangingError, FileTooLargeError, NotRegularFileError } from "./file_errors.ts";
import type { DirEntry, FileStamp, FileStat, FileSystem } from "./file_system.ts";
import { isSameStamp } from "./stamps.ts";

const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const READ_ATTEMPTS = 3;

/** The file system of this machine. */
export class DenoFileSystem implements FileSystem {
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
   * Reads a regular file whole, without following a symlink and without blocking on a FIFO.
   *
   * @param path the file
   * @param maxBytes what it may hold at most
   * @returns its bytes (a buffer of its own) and its stamp
   * @throws {FileTooLargeError} if it holds more
   * @throws {NotRegularFileError} if it is anything else than a regular file
   * @throws {FileChangingError} if it was written to during each attempt
   */
  readFile(path: string, maxBytes: number): { bytes: Uint8Array; stamp: FileStamp } {
    // The same stamp before and after tells that it is the stamp of what was opened, and that
    // nobody wrote meanwhile: half an old and half a new object could still parse. (An fstat would
    // tell the first too, but takes longer here than two lstats.)
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const before = this.lstat(path);
      if (before.kind !== "file") throw new NotRegularFileError();
      if (before.size > maxBytes) throw new FileTooLargeError(maxBytes);
      const bytes = readBytes(path, before.size);
      if (bytes.length === before.size && isSameStamp(before, this.lstat(path))) {
        const { size, mtimeMs, ctimeMs, ino } = before;
        return { bytes, stamp: { size, mtimeMs, ctimeMs, ino } };
      }
    }
    throw new FileChangingError();
  }
}

/** Reads so many bytes, or fewer if the file ends before. */
function readBytes(path: string, size: number): Uint8Array {
  const file = open(path);
  try {
    const bytes = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const count = readSync(file, bytes, length, size - length, null);
      if (count === 0) return bytes.subarray(0, length);
      length += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** Opens without following a symlink and without waiting for the other end of a FIFO. */
function open(path: string): number {
  try {
    return openSync(path, OPEN_FLAGS);
  } catch (error) {
    throw asDenoError(error);
  }
}

/** node:fs has errors of its own; callers know Deno's. */
function asDenoError(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  if (error.code === "ENOENT") return new Deno.errors.NotFound(error.message, { cause: error });
  if (error.code === "EACCES") {
    return new Deno.errors.PermissionDenied(error.message, { cause: error });
  }
  if (error.code === "ELOOP") return new NotRegularFileError();
  return error;
}

function kindOf(
  info: { isFile: boolean; isDirectory: boolean; isSymlink: boolean },
): DirEntry["kind"] {
  if (info.isFile) return "file";
  if (info.isDirectory) return "directory";
  return info.isSymlink ? "symlink" : "other";
}
