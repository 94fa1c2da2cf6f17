import { join } from "@std/path";
import { KeyCacheError } from "./errors.ts";

/** In the state directory, beside the database. */
const SETTINGS_FILE = "settings.json";
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
 * @throws {KeyCacheError} `damaged` if what stands there is no JSON object of texts
 */
export function readSettings(stateDir: string): RememberedSettings | undefined {
  const path = settingsPath(stateDir);
  let text: string;
  try {
    if (Deno.statSync(path).size > MAX_BYTES) throw damaged(path);
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof KeyCacheError) throw error;
    return undefined;
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
 * @param stateDir the state directory, which the caller holds
 * @param settings what to remember
 * @throws {KeyCacheError} `full` or `io` if they can't be written
 */
export function writeSettings(stateDir: string, settings: RememberedSettings): void {
  const path = settingsPath(stateDir);
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  const part = `${path}.part`;
  try {
    if (isThere(path, text)) return;
    using file = Deno.openSync(part, { write: true, create: true, truncate: true, mode: 0o600 });
    let rest = new TextEncoder().encode(text);
    while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
    // What root writes here belongs to the directory's owner, so that its service can read it.
    const { uid, gid } = Deno.statSync(stateDir);
    if (Deno.uid() === 0 && uid !== null && gid !== null) Deno.chownSync(part, uid, gid);
    file.syncSync();
    Deno.renameSync(part, path);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const reason = said.includes("No space left") ? "full" : "io";
    throw new KeyCacheError(reason, `cannot write ${path}: ${said}`, { cause: error });
  }
}

function isThere(path: string, text: string): boolean {
  try {
    return Deno.readTextFileSync(path) === text;
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
    `${path} is damaged; remove it, then start edgekeyd with its flags, which writes it again`,
  );
}
