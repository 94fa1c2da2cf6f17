/**
 * A stand-in for `jsr:@std/fs` where JSR can't be reached: the part of it that edgekeyd uses,
 * over Deno's own file system calls. `links` in the project's deno.json puts it in the real
 * one's place; what compiles and runs with this compiles and runs the same with the real one.
 *
 * @module
 */

/**
 * Makes a directory and its missing parents; one that exists (or a symlink to one) is left as
 * it is.
 *
 * @throws {Error} if something that is no directory stands there
 */
export async function ensureDir(dir: string | URL): Promise<void> {
  try {
    await Deno.mkdir(dir, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    requireDirectory(dir, await Deno.stat(dir));
  }
}

/** {@link ensureDir}, synchronously. */
export function ensureDirSync(dir: string | URL): void {
  try {
    Deno.mkdirSync(dir, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    requireDirectory(dir, Deno.statSync(dir));
  }
}

/**
 * Whether there is anything at a path, symlinks followed.
 *
 * @param path where to look
 * @param options `isFile` or `isDirectory`: whether it is one of that kind
 * @throws {TypeError} if both kinds are asked for
 */
export async function exists(path: string | URL, options?: ExistsOptions): Promise<boolean> {
  try {
    return isAsAsked(await Deno.stat(path), options);
  } catch (error) {
    return isHidden(error);
  }
}

/** {@link exists}, synchronously. */
export function existsSync(path: string | URL, options?: ExistsOptions): boolean {
  try {
    return isAsAsked(Deno.statSync(path), options);
  } catch (error) {
    return isHidden(error);
  }
}

/** What {@link exists} asks for; not both at once. */
export interface ExistsOptions {
  /** It must be a directory or a symlink to one. */
  isDirectory?: boolean;
  /** It must be a file or a symlink to one. */
  isFile?: boolean;
}

function requireDirectory(dir: string | URL, info: Deno.FileInfo) {
  if (!info.isDirectory) {
    throw new Error(`Failed to ensure directory exists: '${dir}' is not a directory`);
  }
}

function isAsAsked(info: Deno.FileInfo, options: ExistsOptions = {}): boolean {
  if (options.isDirectory && options.isFile) {
    throw new TypeError("isDirectory and isFile must not be true together");
  }
  return !(options.isDirectory && !info.isDirectory) && !(options.isFile && !info.isFile);
}

/** What may not be looked at is there, as the real package has it; anything unexpected is thrown. */
function isHidden(error: unknown): boolean {
  if (error instanceof Deno.errors.NotFound) return false;
  if (error instanceof Deno.errors.PermissionDenied) return true;
  throw error;
}
