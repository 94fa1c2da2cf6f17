/**
 * A stand-in for `jsr:@std/fs` where JSR can't be reached: the part of it that edgekeyd uses,
 * over Deno's own file system calls. `links` in the project's deno.json puts it in the real
 * one's place; what compiles and runs with this compiles and runs the same with the real one.
 *
 * @module
 */

/**
 * Whether there is anything at a path, symlinks followed. What may not be looked at is there.
 *
 * @param path where to look
 * @param options `isFile` or `isDirectory`: whether it is one of that kind
 * @returns whether it is there, of the kind that is asked for
 * @throws {TypeError} if both kinds are asked for
 * @throws {Deno.errors.NotADirectory} if the path leads through a file
 */
export function existsSync(path: string | URL, options: ExistsOptions = {}): boolean {
  const { isDirectory = false, isFile = false } = options;
  if (isDirectory && isFile) {
    throw new TypeError("isDirectory and isFile must not be true together");
  }
  try {
    const info = Deno.statSync(path);
    return (!isDirectory || info.isDirectory) && (!isFile || info.isFile);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.PermissionDenied) return true;
    throw error;
  }
}

/** What {@link existsSync} asks for; not both at once. */
export interface ExistsOptions {
  /** It must be a directory or a symlink to one. */
  isDirectory?: boolean;
  /** It must be a file or a symlink to one. */
  isFile?: boolean;
}
