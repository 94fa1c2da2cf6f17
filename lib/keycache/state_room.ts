import { statfsSync } from "node:fs";
import { KeyCacheError } from "./errors.ts";
import { SETTINGS_FILE } from "./settings_file.ts";
import { StatePlace } from "./state_place.ts";

/** A commit writes whole pages, to the journal first, and may make one anew. */
const MIN_BYTES = 64 * 1024;
const ROOT = 0;

/**
 * Looks whether a state directory can be written to, and writes nothing: that would wear out the
 * disk of a daemon that only looks.
 *
 * @param stateDir the state directory
 * @throws {KeyCacheError} `full` if its disk has no room, `unsafe` if others can write to it, `io` if
 * it is read-only, or can't be looked at
 */
export function checkRoom(stateDir: string): void {
  const place = StatePlace.at(stateDir);
  try {
    // Opened, and not written to: a disk that is read-only now says so.
    if (place.check(SETTINGS_FILE)) place.open(SETTINGS_FILE, "write").close();
    const { bsize, bavail, bfree, files, ffree } = statfsSync(stateDir);
    const free = Deno.statSync(stateDir).uid === ROOT ? bfree : bavail;
    if (free * bsize < MIN_BYTES) {
      throw full(stateDir, "its disk is full");
    }
    // Some file systems make inodes as they go, and count none.
    if (files > 0 && ffree === 0) {
      throw full(stateDir, "its disk can hold no more files (no inode left)");
    }
  } catch (error) {
    if (error instanceof KeyCacheError) throw error;
    // A program that Deno does not let look at disks has found nothing out.
    if (error instanceof Deno.errors.NotCapable) return;
    const said = error instanceof Error ? error.message : String(error);
    throw new KeyCacheError("io", `the state directory ${stateDir} can't be written to: ${said}`, {
      cause: error,
    });
  }
}

function full(stateDir: string, why: string): KeyCacheError {
  return new KeyCacheError(
    "full",
    `the state directory ${stateDir} can't be written to: ${why}; free some space`,
  );
}
