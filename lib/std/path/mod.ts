/**
 * A stand-in for `jsr:@std/path` where JSR can't be reached: the part of it that edgekeyd uses,
 * over Deno's own `node:path`. `links` in the project's deno.json puts it in the real one's
 * place; what compiles and runs with this compiles and runs the same with the real one.
 *
 * @module
 */
import * as nodePath from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * The path without its last segment.
 *
 * @param path a path
 * @returns what is left of it; `.` if it has only one segment
 */
export function dirname(path: string): string {
  return nodePath.dirname(path).replace(/(?<=.)\/+$/s, "");
}

/**
 * Joins paths with a separator.
 *
 * @param path the first one
 * @param paths the others
 * @returns the normalized result
 */
export function join(path: string, ...paths: string[]): string {
  return nodePath.join(path, ...paths);
}

/**
 * Makes a path absolute.
 *
 * @param paths are joined from right to left until one is absolute
 * @returns the normalized result, below the working directory if none was absolute
 */
export function resolve(...paths: string[]): string {
  return nodePath.resolve(...paths);
}

/**
 * The path that a `file:` URL names.
 *
 * @param url the URL
 * @returns the path, decoded
 * @throws {TypeError} if the URL has another scheme
 */
export function fromFileUrl(url: string | URL): string {
  return fileURLToPath(url);
}

/**
 * The `file:` URL of an absolute path.
 *
 * @param path the path
 * @returns the URL, in which what would not belong to a path is encoded
 * @throws {TypeError} if the path is relative
 */
export function toFileUrl(path: string): URL {
  if (!nodePath.isAbsolute(path)) {
    throw new TypeError(`Path must be absolute: received "${path}"`);
  }
  return pathToFileURL(path);
}
