import { join } from "@std/path";
import { KeyCacheError } from "./errors.ts";

/** In the state directory. Its lock counts, not that it exists; what is in it is for others. */
export const LOCK_FILE = "lock";

/** Who holds a state directory, as far as that is written down. */
export interface Holder {
  /** The process. */
  readonly pid?: number;
  /** Path of the unix socket on which a daemon can be asked. */
  readonly socket?: string;
}

/** A state directory that another process holds. */
export interface HeldDirectory {
  /** Who holds it now. */
  readonly holder: () => Holder;
  /** Resolves when nobody held it for a moment. */
  readonly released: Promise<void>;
}

/** A free lock is had in far less; a busy machine may be slower, and then a free one seems held. */
const HELD_AFTER_MS = 100;

/**
 * Takes the lock of a state directory, made if it is missing (0700), and writes down who has it.
 *
 * @param path the directory
 * @param timeoutMs how long to wait for another process that has it
 * @param socket path of the unix socket on which this process can be asked
 * @returns the lock; closing it, or the end of the process, gives it back
 * @throws {KeyCacheError} `locked` if another still has it then, `io` if it can't be used
 */
export async function takeLock(
  path: string,
  timeoutMs: number,
  socket: string | undefined,
): Promise<Deno.FsFile> {
  let file: Deno.FsFile;
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    const options = { read: true, write: true, create: true, mode: 0o600 };
    file = Deno.openSync(join(path, LOCK_FILE), options);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new KeyCacheError("io", `cannot use --state-dir ${path}: ${text}`, { cause: error });
  }
  const { taken } = await tryFor(file, Math.max(timeoutMs, HELD_AFTER_MS));
  if (!taken) throw lockedError(path, timeoutMs, false);
  const lines = [String(Deno.pid), ...(socket === undefined ? [] : [`unix:${socket}`])];
  try {
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  } catch {
    // A full disk: this only tells who has the lock, the lock itself needs no space.
  }
  return file;
}

/**
 * Tells whether another process seems to hold a state directory; nothing is made.
 *
 * @param path the directory
 * @returns undefined if none does
 */
export async function heldDirectory(path: string): Promise<HeldDirectory | undefined> {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(join(path, LOCK_FILE), { read: true, write: true });
  } catch {
    // Who has to take it will say what is wrong with it.
    return undefined;
  }
  const { taken, released } = await tryFor(file, HELD_AFTER_MS);
  if (!taken) return { holder: () => readHolder(path), released };
  file.close();
  return undefined;
}

/**
 * The error of a state directory that another process holds.
 *
 * @param path the directory
 * @param waitedMs for how long it was waited for
 * @param asked the holder was asked in vain, if it listens
 */
export function lockedError(path: string, waitedMs: number, asked: boolean): KeyCacheError {
  const { pid, socket } = readHolder(path);
  const who = [...(pid === undefined ? [] : [`pid ${pid}`]), ...(socket ? [`unix:${socket}`] : [])];
  const silent = asked && socket !== undefined;
  return new KeyCacheError(
    "locked",
    `${path} is held by another edgekeyd${who.length > 0 ? ` (${who.join(", ")})` : ""} for more ` +
      `than ${waitedMs / 1000} s${
        silent ? ", which does not answer" : ""
      }; wait for it, stop it, ` +
      `raise --lock-timeout${silent ? ", or give --listen if its socket is elsewhere here" : ""}`,
  );
}

/**
 * Tries to lock a file.
 *
 * @param file the file; not to be used again if it was not locked in time
 * @param timeoutMs how long to wait
 * @returns `released` resolves once a file that was not locked in time has been, for a moment
 */
async function tryFor(
  file: Deno.FsFile,
  timeoutMs: number,
): Promise<{ readonly taken: boolean; readonly released: Promise<void> }> {
  const locked = file.lock(true);
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), timeoutMs);
  const first = await Promise.race([locked, late]);
  clearTimeout(timer);
  if (first !== "late") return { taken: true, released: Promise.resolve() };
  // The lock call can't be taken back: if it gets the lock after all, it is given back at once.
  return { taken: false, released: locked.then(() => file.close(), () => file.close()) };
}

function readHolder(path: string): Holder {
  let lines: string[];
  try {
    lines = Deno.readTextFileSync(join(path, LOCK_FILE)).split("\n");
  } catch {
    return {};
  }
  const pid = /^[0-9]{1,10}$/.exec(lines[0] ?? "")?.[0];
  const socket = /^unix:(\/.*)$/.exec(lines[1] ?? "")?.[1];
  return {
    ...(pid !== undefined && { pid: Number(pid) }),
    ...(socket !== undefined && { socket }),
  };
}
