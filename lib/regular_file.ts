import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { EdgekeydError, isOutOfDescriptors, OUT_OF_DESCRIPTORS } from "./errors.ts";

/** A file holds more than may be read. */
export class FileTooLargeError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "FileTooLargeError";

  /**
   * Says how large it may be.
   *
   * @param maxBytes what it may hold at most
   */
  constructor(maxBytes: number) {
    super("FileTooLarge", `larger than ${maxBytes} bytes`);
  }
}

/** What stands at a path is no regular file. */
export class NotRegularFileError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "NotRegularFileError";

  /** What stands there may be anything else. */
  constructor() {
    super("NotRegularFile", "not a regular file");
  }
}

/** What is read at once of a file that has grown since it was opened. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a regular file whole. It neither waits on a FIFO, nor reads on in what has no end: a
 * device, or a file that grows as fast as it is read. A symlink is followed, since Kubernetes mounts
 * credentials as such.
 *
 * @param path the file
 * @param maxBytes what it may hold at most
 * @returns its bytes
 * @throws {NotRegularFileError} if it is anything else than a regular file
 * @throws {FileTooLargeError} if it holds more
 * @throws {Deno.errors.NotFound} if nothing is there; other errors of Deno's likewise
 */
export function readRegularFile(path: string, maxBytes: number): Uint8Array<ArrayBuffer> {
  const file = openForReading(path);
  try {
    const info = fstatSync(file);
    if (!info.isFile()) throw new NotRegularFileError();
    if (info.size > maxBytes) throw new FileTooLargeError(maxBytes);
    // One byte more than it should hold tells whether it has grown.
    let bytes = new Uint8Array(info.size + 1);
    for (let length = 0;;) {
      const count = readSync(file, bytes, length, bytes.length - length, null);
      length += count;
      if (length > maxBytes) throw new FileTooLargeError(maxBytes);
      if (count === 0) return bytes.slice(0, length);
      if (length === bytes.length) {
        const longer = new Uint8Array(length + CHUNK_BYTES);
        longer.set(bytes);
        bytes = longer;
      }
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Opens a file without waiting for the other end of a FIFO.
 *
 * @param path the file
 * @param flags of open(2), beside those
 * @returns the descriptor
 * @throws {NotRegularFileError} for a socket, or a symlink where none is followed
 * @throws {Deno.errors.NotFound} if nothing is there; other errors of Deno's likewise
 */
export function openForReading(path: string, flags = 0): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | flags);
  } catch (error) {
    throw asDenoError(error);
  }
}

/** node:fs has errors of its own; callers know Deno's. */
function asDenoError(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const { message } = error;
  const options = { cause: error };
  switch (error.code) {
    case "ENOENT":
      return new Deno.errors.NotFound(message, options);
    case "ENOTDIR":
      return new Deno.errors.NotADirectory(message, options);
    case "EACCES":
    case "EPERM":
      return new Deno.errors.PermissionDenied(message, options);
    case "ELOOP":
    case "ENXIO":
      return new NotRegularFileError();
    default:
      return error;
  }
}

/**
 * Says in a few words why a file could not be read, without its path.
 *
 * @param error what reading it threw
 */
export function whyUnread(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (isOutOfDescriptors(error)) return OUT_OF_DESCRIPTORS;
  return error instanceof Error ? error.message : String(error);
}
