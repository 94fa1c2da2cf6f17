import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { type CacheOptions, ComponentKeyCache } from "./component_key_cache.ts";
import { denoKvStore, kvError } from "./deno_kv_store.ts";
import { KeyCacheError } from "./errors.ts";
import type { KvStore } from "./kv_store.ts";

const LOCK_FILE = "lock";
const DATABASE = "cache.kv";
/** SQLite's companions in WAL mode; they belong to the database and move with it. */
const DATABASE_FILES = [DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`];

/** Puts something around a database. */
export type WrapStore = (store: KvStore) => KvStore;

/** A cache, open for writing. */
export interface OpenedCache {
  readonly cache: ComponentKeyCache;
  /** Where a damaged one went, whose place it took. */
  readonly movedAside?: string;
}

/** A state directory that this process alone holds. */
export interface StateDirectory {
  /**
   * Opens the cache for writing; one that is damaged is moved aside whole, and a new one is born.
   *
   * @param options whose cache it should be
   * @param wrap what to put around the database, to measure it
   * @returns the cache, and where a damaged one went
   * @throws {KeyCacheError} whatever stands in the way
   */
  openCache(options: CacheOptions, wrap?: WrapStore): Promise<OpenedCache>;
  /**
   * Opens the cache for a command that only looks; nothing is made or moved.
   *
   * @returns the cache; undefined if there is none yet
   * @throws {KeyCacheError} whatever stands in the way, `damaged` included
   */
  peekCache(options: CacheOptions): Promise<ComponentKeyCache | undefined>;
  /** Gives the directory back. */
  release(): void;
}

/**
 * Takes a state directory: made if it is missing (0700), then locked by the kernel (the lock is
 * gone with the process, however that ends) before anything in it is looked at.
 *
 * @param path the directory
 * @param lockTimeoutMs how long to wait for another process that holds it
 * @throws {KeyCacheError} `locked` if it is still held then, `io` if it can't be used
 */
export async function holdStateDirectory(
  path: string,
  lockTimeoutMs: number,
): Promise<StateDirectory> {
  const lock = await takeLock(path, lockTimeoutMs);
  handToOwner(path);
  return {
    openCache: (options, wrap) => openOrReplace(path, options, wrap),
    async peekCache(options) {
      if (!exists(join(path, DATABASE))) return undefined;
      return await open(path, options);
    },
    release: () => lock.close(),
  };
}

/** Tells whether a state directory holds a cache, without taking it. */
export function hasCache(path: string): boolean {
  return exists(join(path, DATABASE));
}

/** A cache that lives in memory alone: what a dry run starts from where there is none yet. */
export async function memoryCache(options: CacheOptions): Promise<ComponentKeyCache> {
  const store = denoKvStore(await Deno.openKv(":memory:"), "the cache in memory");
  return await ComponentKeyCache.load(store, options);
}

async function openOrReplace(
  path: string,
  options: CacheOptions,
  wrap?: WrapStore,
): Promise<OpenedCache> {
  try {
    return { cache: await open(path, options, wrap) };
  } catch (error) {
    if (!(error instanceof KeyCacheError) || error.reason !== "damaged") throw error;
    const movedAside = moveAside(path, options.nowMs());
    return { cache: await open(path, options, wrap), movedAside };
  }
}

async function open(
  path: string,
  options: CacheOptions,
  wrap: WrapStore = (store) => store,
): Promise<ComponentKeyCache> {
  const database = join(path, DATABASE);
  checkPages(database);
  let kv: Deno.Kv;
  try {
    kv = await Deno.openKv(database);
  } catch (error) {
    throw kvError(error, database, "open");
  }
  try {
    const cache = await ComponentKeyCache.load(wrap(denoKvStore(kv, database)), options);
    handToOwner(path);
    return cache;
  } catch (error) {
    kv.close();
    throw error;
  }
}

/** Damage can end the whole process once Deno KV has the file open, so look first. */
function checkPages(database: string): void {
  if (!exists(database)) return;
  let damage: string | undefined;
  try {
    const db = new DatabaseSync(database, { readOnly: true });
    try {
      damage = damageIn(db);
    } finally {
      db.close();
    }
  } catch (error) {
    throw kvError(error, database, "open");
  }
  if (damage !== undefined) {
    throw new KeyCacheError("damaged", `${database} is damaged (${damage})`);
  }
}

function damageIn(db: DatabaseSync): string | undefined {
  // quick_check takes half the time, but passes over the index on expiry, and a Deno KV that finds
  // that one damaged panics.
  const { integrity_check: verdict } = db.prepare("pragma integrity_check(1)").get() ?? {};
  if (verdict !== "ok") return "integrity_check failed";
  if (!db.prepare("select 1 from sqlite_master where name = 'kv'").get()) return undefined;
  // All that is ever written is bytes (encoding 3) that never expire. Deno KV would panic on what
  // it takes for a number, and delete what it takes for expired.
  const strange = db.prepare(
    "select 1 from kv where v_encoding <> 3 or typeof(v) <> 'blob' or expiration_ms <> -1 limit 1",
  );
  return strange.get() ? "a record is not plain bytes" : undefined;
}

function moveAside(path: string, nowMs: number): string {
  const suffix = `.damaged-${new Date(nowMs).toISOString().replaceAll(":", "")}`;
  for (const name of DATABASE_FILES) {
    const from = join(path, name);
    if (exists(from)) Deno.renameSync(from, `${join(path, name)}${suffix}`);
  }
  return join(path, `${DATABASE}${suffix}`);
}

async function takeLock(path: string, lockTimeoutMs: number): Promise<Deno.FsFile> {
  const lockPath = join(path, LOCK_FILE);
  let file: Deno.FsFile;
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    file = Deno.openSync(lockPath, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new KeyCacheError("io", `cannot use --state-dir ${path}: ${text}`, { cause: error });
  }
  const locked = file.lock(true);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), lockTimeoutMs);
  });
  const first = await Promise.race([locked, late]);
  clearTimeout(timer);
  if (first === "late") {
    // The lock call can't be taken back: if it gets the lock after all, it is given back at once.
    locked.then(() => file.close(), () => file.close());
    throw new KeyCacheError(
      "locked",
      `${path} is held by another edgekeyd${holder(lockPath)} for more than ` +
        `${lockTimeoutMs / 1000} s; wait for it, stop it, or raise --lock-timeout`,
    );
  }
  file.truncateSync(0);
  file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  return file;
}

function holder(lockPath: string): string {
  try {
    const pid = Deno.readTextFileSync(lockPath).trim();
    return /^[0-9]{1,10}$/.test(pid) ? ` (pid ${pid})` : "";
  } catch {
    return "";
  }
}

/** What root makes here belongs to the directory's owner, so that its service can go on. */
function handToOwner(path: string): void {
  if (Deno.uid() !== 0) return;
  const { uid, gid } = Deno.statSync(path);
  if (uid === null || gid === null || uid === 0) return;
  for (const name of [LOCK_FILE, ...DATABASE_FILES]) {
    const file = join(path, name);
    if (exists(file)) Deno.chownSync(file, uid, gid);
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw new KeyCacheError(
      "io",
      `cannot look at ${path}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}
