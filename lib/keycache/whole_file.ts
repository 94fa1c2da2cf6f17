import { join } from "@std/path";
import { KeyCacheError } from "./errors.ts";
import type { StatePlace } from "./state_place.ts";

/**
 * Writes a small file of a state directory: whole or not at all, and for good.
 *
 * @param place the state directory, which the caller holds
 * @param name of the file
 * @param text what is to stand in it
 * @throws {KeyCacheError} `full`, `unsafe` or `io` if it can't be written
 */
export function writeWhole(place: StatePlace, name: string, text: string): void {
  const path = join(place.path, name);
  const part = `${name}.part`;
  try {
    using _ = place.actAsOwner();
    // One that was left half written, or put there, is not written to.
    if (place.check(part)) Deno.removeSync(join(place.path, part));
    using file = place.open(part, "make");
    let rest = new TextEncoder().encode(text);
    while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
    file.syncSync();
    Deno.renameSync(join(place.path, part), path);
  } catch (error) {
    if (error instanceof KeyCacheError) throw error;
    const said = error instanceof Error ? error.message : String(error);
    const reason = said.includes("No space left") ? "full" : "io";
    throw new KeyCacheError(reason, `cannot write ${path}: ${said}`, { cause: error });
  }
}
