import { join } from "@std/path";
import { KeyCacheError } from "./errors.ts";
import { StatePlace } from "./state_place.ts";
import { writeWhole } from "./whole_file.ts";

/** In the state directory from a daemon's start until somebody stops it: when it started. */
const MARK_FILE = "daemon";
const MAX_BYTES = 64;
/** As Date.toISOString() makes it. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What a daemon leaves behind that ended without being stopped. */
export interface DaemonMark {
  /** The file that says so. */
  readonly path: string;
  /** When it started, in ISO 8601; undefined if that can't be read. */
  readonly since?: string;
}

/**
 * Writes down that a daemon works on a state directory.
 *
 * @param place the state directory, which the daemon holds
 * @param since when it started, in ISO 8601
 * @throws {KeyCacheError} `full`, `unsafe` or `io` if that can't be written
 */
export function setDaemonMark(place: StatePlace, since: string): void {
  writeWhole(place, MARK_FILE, `${since}\n`);
}

/**
 * Takes back what {@linkcode setDaemonMark} wrote: the daemon is not missed.
 *
 * @param place the state directory, which the daemon holds
 * @throws {KeyCacheError} `unsafe` or `io` if it can't be removed
 */
export function clearDaemonMark(place: StatePlace): void {
  const path = join(place.path, MARK_FILE);
  if (place.check(MARK_FILE) === undefined) return;
  using _ = place.actAsOwner();
  try {
    Deno.removeSync(path);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new KeyCacheError("io", `cannot remove ${path}: ${said}`, { cause: error });
  }
}

/**
 * Tells whether a daemon worked on a state directory that nobody stopped. Only where nobody holds
 * the directory does that say that it is gone.
 *
 * @param stateDir the state directory
 * @returns what it left behind; undefined if there is nothing
 * @throws {KeyCacheError} `unsafe` or `io` if what stands there can't be looked at
 */
export function readDaemonMark(stateDir: string): DaemonMark | undefined {
  const place = StatePlace.at(stateDir);
  if (place.check(MARK_FILE) === undefined) return undefined;
  const path = join(stateDir, MARK_FILE);
  try {
    const since = new TextDecoder().decode(place.read(MARK_FILE, MAX_BYTES)).trim();
    return TIME.test(since) ? { path, since } : { path };
  } catch (error) {
    if (error instanceof KeyCacheError) throw error;
    // That it is there says enough.
    return { path };
  }
}
