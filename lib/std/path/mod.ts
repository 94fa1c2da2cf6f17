/**
 * A stand-in for `jsr:@std/path` where JSR can't be reached: the part of it that edgekeyd uses,
 * over Deno's own `node:path`. `links` in the project's deno.json puts it in the real one's
 * place; what compiles and runs with this compiles and runs the same with the real one.
 *
 * @module
 */
import * as nodePath from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The path without its last segment; `.` if it has only one. */
export function dirname(path: string): string {
  return nodePath.dirname(path).replace(/(?<=.)\/+$/s, "");
}

/** Joins paths with a separator, and normalizes the result. */
export function join(path: string, ...paths: string[]): string {
  return nodePath.join(path, ...paths);
}

/** An absolute path, from right to left until one is absolute, else from the working directory. */
export function resolve(...paths: string[]): string {
  return nodePath.resolve(...paths);
}

/**
 * The path that a `file:` URL names.
 *
 * @throws {TypeError} if the URL has another scheme
 */
export function fromFileUrl(url: string | URL): string {
  return fileURLToPath(url);
}

/**
 * The `file:` URL of an absolute path.
 *
 * @throws {TypeError} if the path is relative
 */
export function toFileUrl(path: string): URL {
  if (!nodePath.isAbsolute(path)) {
    throw new TypeError(`Path must be absolute: received "${path}"`);
  }
  return pathToFileURL(path);
}
