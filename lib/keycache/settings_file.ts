import { join } from "@std/path";
import { KeyCacheError } from "./errors.ts";
import { StatePlace } from "./state_place.ts";
import { writeWhole } from "./whole_file.ts";

/** In the state directory, beside the database. */
export const SETTINGS_FILE = "settings.json";
const MAX_BYTES = 64 * 1024;

/** Settings by name; what they are is for who writes them. */
export type RememberedSettings = Readonly<Record<string, string>>;

/**
 * Where the settings stand.
 *
 * @param stateDir the state directory
 * @returns the path of the file, which may not be there
 */
export function settingsPath(stateDir: string): string {
  return join(stateDir, SETTINGS_FILE);
}

/**
 * Reads the settings that a state directory remembers; it need not be held for that.
 *
 * @param stateDir the state directory
 * @returns the settings; undefined if there are none, or this user may not read them
 * @throws {KeyCacheError} `damaged` if what stands there is no JSON object of texts, `unsafe` if
 * others could have put it there, `io` if it can't be read for another reason: to go on without them
 * could mean another etcd
 */
export function readSettings(stateDir: string): RememberedSettings | undefined {
  const path = settingsPath(stateDir);
  let text: string;
  try {
    const bytes = StatePlace.at(stateDir).read(SETTINGS_FILE, MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) throw damaged(path);
    text = new TextDecoder().decode(bytes);
  } catch (error) {
    const cause = error instanceof KeyCacheError && error.reason === "io" ? error.cause : error;
    // Where Deno itself lets nobody in, there can be no state, as whoever opens it will say.
    if (cause instanceof Deno.errors.NotCapable) return undefined;
    if (MISSING_OR_DENIED.has(codeOf(cause))) return undefined;
    if (error instanceof KeyCacheError) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new KeyCacheError("io", `cannot read ${path}: ${said}; check its disk`, { cause: error });
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw damaged(path);
  }
  if (!isSettings(content)) throw damaged(path);
  return content;
}

/**
 * Writes the settings down, unless they stand there already: whole or not at all, and for good.
 *
 * @param place the state directory, which the caller holds
 * @param settings what to remember
 * @throws {KeyCacheError} `full`, `unsafe` or `io` if they can't be written
 */
export function writeSettings(place: StatePlace, settings: RememberedSettings): void {
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  if (!isThere(place, text)) writeWhole(place, SETTINGS_FILE, text);
}

const MISSING_OR_DENIED: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM"]);

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function isThere(place: StatePlace, text: string): boolean {
  try {
    return new TextDecoder().decode(place.read(SETTINGS_FILE, MAX_BYTES)) === text;
  } catch {
    return false;
  }
}

function isSettings(content: unknown): content is RememberedSettings {
  return typeof content === "object" && content !== null && !Array.isArray(content) &&
    Object.values(content).every((value) => typeof value === "string");
}

function damaged(path: string): KeyCacheError {
  return new KeyCacheError(
    "damaged",
    `${path} is damaged; remove it, then start edgekeyd anew with its flags, which writes it again`,
  );
}
