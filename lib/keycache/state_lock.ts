import { KeyCacheError } from "./errors.ts";
import { StatePlace } from "./state_place.ts";

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

/** A process id and the path of a socket, with room to spare. */
const MAX_HOLDER_BYTES = 4_096;

/**
 * Takes the lock of a state directory, and writes down who has it.
 *
 * @param place the directory, which is there
 * @param timeoutMs how long to wait for another process that has it
 * @param socket path of the unix socket on which this process can be asked
 * @returns the lock; closing it, or the end of the process, gives it back
 * @throws {KeyCacheError} `locked` if another still has it then, `unsafe` or `io` if it can't be
 * used
 */
export async function takeLock(
  place: StatePlace,
  timeoutMs: number,
  socket: string | undefined,
): Promise<Deno.FsFile> {
  let file: Deno.FsFile;
  try {
    file = place.open(LOCK_FILE, "make");
  } catch (error) {
    throw unusable(place, error);
  }
  const { taken, failure } = await tryFor(file, Math.max(timeoutMs, HELD_AFTER_MS));
  if (failure !== undefined) {
    file.close();
    throw new KeyCacheError(
      "io",
      `cannot lock ${place.path}/${LOCK_FILE}: ${textOf(failure)}; if its file system has no ` +
        "locks, give a --state-dir on one that has (a local disk)",
      { cause: failure },
    );
  }
  if (!taken) throw lockedError(place.path, timeoutMs, false);
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
 * @param path the directory, which may be missing
 * @returns undefined if none does
 * @throws {KeyCacheError} `unsafe` if others can write to it or swap it
 */
export async function heldDirectory(path: string): Promise<HeldDirectory | undefined> {
  const place = StatePlace.at(path);
  let file: Deno.FsFile;
  try {
    file = place.open(LOCK_FILE, "write");
  } catch {
    // Who has to take it will say what is wrong with it.
    return undefined;
  }
  const { taken, failure, released } = await tryFor(file, HELD_AFTER_MS);
  if (!taken && failure === undefined) return { holder: () => readHolder(path), released };
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
      `than ${waitedMs / 1000} s` +
      (silent
        ? ", which does not answer; a daemon that hangs is restarted by `systemctl restart " +
          "edgekeyd` (a stopped process ends by SIGKILL alone); give --listen if its socket is " +
          "elsewhere here"
        : "; wait for it, stop it, raise --lock-timeout"),
  );
}

/** How an attempt to lock a file went. */
interface Attempt {
  readonly taken: boolean;
  /** Why there will be no lock at all. */
  readonly failure?: unknown;
  /** Resolves once a file that was not locked in time has been, for a moment. */
  readonly released: Promise<void>;
}

/**
 * Tries to lock a file.
 *
 * @param file the file; not to be used again if it was not locked in time
 * @param timeoutMs how long to wait
 */
async function tryFor(file: Deno.FsFile, timeoutMs: number): Promise<Attempt> {
  const locked: Promise<Pick<Attempt, "taken" | "failure">> = file.lock(true).then(
    () => ({ taken: true }),
    (failure) => ({ taken: false, failure }),
  );
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  const first = await Promise.race([locked, late]);
  clearTimeout(timer);
  if (first) return { ...first, released: Promise.resolve() };
  // The lock call can't be taken back: if it gets the lock after all, it is given back at once.
  return { taken: false, released: locked.then(() => file.close()) };
}

function readHolder(path: string): Holder {
  let lines: string[];
  try {
    const bytes = StatePlace.at(path).read(LOCK_FILE, MAX_HOLDER_BYTES);
    lines = new TextDecoder().decode(bytes).split("\n");
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

function unusable({ path }: StatePlace, error: unknown): KeyCacheError {
  if (error instanceof KeyCacheError) return error;
  const text = `cannot use --state-dir ${path}: ${textOf(error)}`;
  return new KeyCacheError("io", text, { cause: error });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
