/** What identifies a state of a file or directory; times in ms since the epoch. */
export interface FileStamp {
  /** In bytes. */
  readonly size: number;
  /** When its content changed last. */
  readonly mtimeMs: number;
  /** When anything of it changed last, its name and owner too. */
  readonly ctimeMs: number;
  /** Inode number; the file system gives it to another once this one is gone. */
  readonly ino: number;
}

/** One name in a directory, its kind taken without following symlinks. */
export interface DirEntry {
  /** One segment, as it is on disk. */
  readonly name: string;
  /** What stands there. */
  readonly kind: "file" | "directory" | "symlink" | "other";
}

/** A stamp together with the kind of what stands there. */
export interface FileStat extends FileStamp {
  /** What stands there. */
  readonly kind: DirEntry["kind"];
  /** When it was made; 0 where the file system does not say. */
  readonly birthtimeMs: number;
}

/**
 * The part of a file system that the scanner uses. All calls are synchronous (they are faster
 * here than asynchronous ones; the scanner yields between slices) and none follows a symlink in
 * the last segment. They throw `Deno.errors.NotFound`, `Deno.errors.PermissionDenied` or any
 * other error of the operating system.
 */
export interface FileSystem {
  /** Lists a directory. */
  readDir(path: string): DirEntry[];
  /**
   * Tells whether a directory holds more entries than can be listed at once; absent where none does.
   *
   * @param path the directory
   * @param entries how many are still listed
   * @returns true if it holds more; false also if that can't be told
   */
  holdsMore?(path: string, entries: number): Promise<boolean>;
  /** Stats a path without following a symlink. */
  lstat(path: string): FileStat;
  /**
   * Reads a regular file whole, without following a symlink and without blocking on a FIFO.
   *
   * @param path the file
   * @param maxBytes what it may hold at most
   * @returns its bytes (a buffer of its own) and the stamp of the very file that was opened
   * @throws {FileTooLargeError} if it holds more
   */
  readFile(path: string, maxBytes: number): { bytes: Uint8Array; stamp: FileStamp };
}
