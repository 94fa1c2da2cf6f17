import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { ComponentKeyCache } from "./component_key_cache.ts";
import { clearDaemonMark, setDaemonMark } from "./daemon_mark.ts";
import { denoKvStore, kvError } from "./deno_kv_store.ts";
import { KeyCacheError } from "./errors.ts";
import type { CacheOptions } from "./identity.ts";
import type { KvStore } from "./kv_store.ts";
import { guardedStore, OpenedFiles } from "./opened_files.ts";
import { type RememberedSettings, writeSettings } from "./settings_file.ts";
import { checkRoom } from "./state_room.ts";
import { LOCK_FILE, takeLock } from "./state_lock.ts";
import { StatePlace } from "./state_place.ts";

const DATABASE = "cache.kv";
/** SQLite's, in WAL mode; they are there as long as the database is open, and move with it. */
const COMPANIONS = [`${DATABASE}-wal`, `${DATABASE}-shm`];
const DATABASE_FILES = [DATABASE, ...COMPANIONS];
/** The journal is there only while the database is made. */
const SQLITE_FILES = [...DATABASE_FILES, `${DATABASE}-journal`];

/** Puts something around a database. */
export type WrapStore = (store: KvStore) => KvStore;

/** A cache, open for writing. */
export interface OpenedCache {
  /** The cache; whoever opened it closes it. */
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
   * @throws {KeyCacheError} whatever stands in the way; `replaced` if another file stands where the
   * cache or the lock was opened before, which every later write throws too
   */
  openCache(options: CacheOptions, wrap?: WrapStore): Promise<OpenedCache>;
  /**
   * Opens the cache for a command that only looks; nothing is made, moved or written.
   *
   * @returns the cache; undefined if there is none yet
   * @throws {KeyCacheError} whatever stands in the way, `damaged` included
   */
  peekCache(options: CacheOptions): Promise<ComponentKeyCache | undefined>;
  /**
   * Looks whether the lock and the cache that is open still stand where they were opened, and whether
   * the directory is still one that would be taken.
   *
   * @throws {KeyCacheError} `replaced` if they don't, `unsafe` if others can write to it by now
   */
  check(): void;
  /**
   * Writes down how this node is set up, for whoever comes without flags.
   *
   * @param settings what to remember
   * @throws {KeyCacheError} `replaced`, `full` or `io` if that can't be written
   */
  remember(settings: RememberedSettings): void;
  /**
   * Writes down that a daemon works here, so that one that is gone is missed.
   *
   * @param since when it started, in ISO 8601
   * @throws {KeyCacheError} `replaced`, `full` or `io` if that can't be written
   */
  daemonStarted(since: string): void;
  /**
   * The daemon was stopped: it is not missed.
   *
   * @throws {KeyCacheError} `replaced` or `io` if that can't be written
   */
  daemonStopped(): void;
  /** Gives the directory back. */
  release(): void;
}

/**
 * Takes a state directory: made if it is missing (0700), then locked by the kernel (the lock is
 * gone with the process, however that ends) before anything in it is looked at.
 *
 * @param path the directory
 * @param lockTimeoutMs how long to wait for another process that holds it
 * @param socket path of the unix socket on which this process can be asked by others meanwhile
 * @throws {KeyCacheError} `locked` if it is still held then, `unsafe` if others can write to it or
 * put something in its place, `io` if it can't be used
 */
export async function holdStateDirectory(
  path: string,
  lockTimeoutMs: number,
  socket?: string,
): Promise<StateDirectory> {
  const place = StatePlace.at(path).make();
  const lock = await takeLock(place, lockTimeoutMs, socket);
  const files = new OpenedFiles();
  files.note(join(path, LOCK_FILE), lock.statSync());
  return {
    openCache: (options, wrap) => openOrReplace(place, files, options, wrap),
    async peekCache(options) {
      if (!place.check(DATABASE)) return undefined;
      return await open(place, files, (store) => ComponentKeyCache.peek(store, options));
    },
    check() {
      files.check();
      StatePlace.at(path);
    },
    remember(settings) {
      files.check();
      writeSettings(place, settings);
    },
    daemonStarted(since) {
      files.check();
      setDaemonMark(place, since);
    },
    daemonStopped() {
      files.check();
      clearDaemonMark(place);
    },
    release: () => lock.close(),
  };
}

/**
 * Tells whether a state directory holds a cache, without taking it.
 *
 * @param path the directory
 * @throws {KeyCacheError} `unsafe` or `io` if what stands there can't be used
 */
export function hasCache(path: string): boolean {
  return StatePlace.at(path).check(DATABASE) !== undefined;
}

/** A cache that lives in memory alone: what a dry run starts from where there is none yet. */
export async function memoryCache(options: CacheOptions): Promise<ComponentKeyCache> {
  const store = denoKvStore(await Deno.openKv(":memory:"), "the cache in memory");
  return await ComponentKeyCache.load(store, options);
}

async function openOrReplace(
  place: StatePlace,
  files: OpenedFiles,
  options: CacheOptions,
  wrap: WrapStore = (store) => store,
): Promise<OpenedCache> {
  const load = (store: KvStore) => ComponentKeyCache.load(wrap(store), options);
  try {
    return { cache: await open(place, files, load) };
  } catch (error) {
    if (!(error instanceof KeyCacheError) || error.reason !== "damaged") throw error;
    const movedAside = moveAside(place, options.nowMs());
    files.forget(join(place.path, DATABASE));
    return { cache: await open(place, files, load), movedAside };
  }
}

async function open<T>(
  place: StatePlace,
  files: OpenedFiles,
  load: (store: KvStore) => Promise<T>,
): Promise<T> {
  const database = join(place.path, DATABASE);
  files.check();
  const kv = await openDatabase(place, database);
  const companions = COMPANIONS.map((name) => join(place.path, name));
  const store = guardedStore(denoKvStore(kv, database), files, companions);
  let cache: T | undefined;
  try {
    files.note(database);
    const loaded = await load(store);
    for (const companion of companions) files.note(companion);
    return cache = loaded;
  } finally {
    // What was loaded closes it.
    if (cache === undefined) store.close();
  }
}

/**
 * SQLite opens by name, and all that it ever opens it opens here. With the rights of the
 * directory's owner it can open nothing that its owner could not have opened themselves.
 */
async function openDatabase(place: StatePlace, database: string): Promise<Deno.Kv> {
  const known = SQLITE_FILES.filter((name) => place.check(name) !== undefined);
  let kv: Deno.Kv | undefined;
  let failure: KeyCacheError | undefined;
  {
    using _ = place.actAsOwner();
    try {
      // SQLite, as Deno has it open files, refuses a path with a link anywhere in it.
      const real = join(Deno.realPathSync(place.path), DATABASE);
      if (known.includes(DATABASE)) checkPages(real);
      kv = await Deno.openKv(real);
    } catch (error) {
      failure = kvError(error, database, "open");
    }
  }
  if (kv === undefined) {
    // SQLite says of a disk without room that it failed, and not why.
    checkRoom(place.path);
    throw failure;
  }
  try {
    for (const name of DATABASE_FILES.filter((name) => !known.includes(name))) place.handOver(name);
    for (const name of DATABASE_FILES) place.check(name);
    return kv;
  } catch (error) {
    kv.close();
    throw kvError(error, database, "open");
  }
}

/** Damage can end the whole process once Deno KV has the file open, so look first. */
function checkPages(database: string): void {
  let damage: string | undefined;
  try {
    const db = new DatabaseSync(database, { readOnly: true });
    try {
      damage = damageIn(db) ?? damageInHeader(database);
    } finally {
      db.close();
    }
  } catch (error) {
    if (!isDamage(error)) throw kvError(error, database, "open");
    damage = "its tables are not as made, or cut off";
  }
  if (damage !== undefined) {
    throw new KeyCacheError("damaged", `${database} is damaged (${damage})`);
  }
}

/**
 * SQLite's codes, beside its plain words for damage: a statement that does not fit the tables that
 * there are (SQLITE_ERROR), and a file that ends before its last page (SQLITE_IOERR_SHORT_READ).
 */
const DAMAGE_CODES: readonly unknown[] = [1, 522];

function isDamage(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && DAMAGE_CODES.includes(error.errcode);
}

/** Where SQLite's header says in which format the file is to be written; it knows 1 and 2. */
const WRITE_FORMAT_AT = 18;

/** A file of a later format than SQLite knows is read, and then can't be written to. */
function damageInHeader(database: string): string | undefined {
  using file = Deno.openSync(database);
  const header = new Uint8Array(WRITE_FORMAT_AT + 1);
  // Before its first checkpoint the file is empty, and all is in the journal.
  if (file.readSync(header) !== header.length) return undefined;
  return (header[WRITE_FORMAT_AT] ?? 0) > 2 ? "its header is not as made" : undefined;
}

/** The version of Deno KV's tables, and the columns that it asks them for. */
const MIGRATION = 3;
const QUEUE = "id, data, backoff_schedule, keys_if_undelivered";
const COLUMNS = [
  ["kv", "k, v, v_encoding, version, seq, expiration_ms"],
  ["data_version", "k, version, seq"],
  ["migration_state", "k, version"],
  ["queue", `ts, ${QUEUE}`],
  ["queue_running", `deadline, ${QUEUE}`],
] as const;

function damageIn(db: DatabaseSync): string | undefined {
  // quick_check takes half the time, but passes over the index on expiry, and a Deno KV that finds
  // that one damaged panics.
  const { integrity_check: verdict } = db.prepare("pragma integrity_check(1)").get() ?? {};
  if (verdict !== "ok") return "integrity_check failed";
  if (!db.prepare("select 1 from sqlite_master").get()) return undefined;
  // A page in another's place can pass that check. Deno KV would panic in its queues, which nobody
  // uses, and make its tables anew if their version is lost or lower.
  const { queued, migration, versions } = db.prepare(
    "select (select count(*) from queue) + (select count(*) from queue_running) as queued, " +
      "(select version from migration_state where k = 0) as migration, " +
      "(select count(version) from data_version where k = 0) as versions",
  ).get() ?? {};
  const isLost = typeof migration !== "number" || migration < MIGRATION;
  if (queued !== 0 || isLost || versions !== 1) return "its tables are not as made";
  // Nor does that check look at names: a column that has another one now can't be prepared for.
  if (migration === MIGRATION) {
    for (const [table, columns] of COLUMNS) db.prepare(`select ${columns} from ${table} limit 0`);
  }
  // All that is ever written is bytes (encoding 3) that never expire, under keys that begin with a
  // text (tag 2). Deno KV would panic on what it takes for a number, delete what it takes for
  // expired, and never list what lies outside of its keys.
  const strange = db.prepare(
    "select 1 from kv where v_encoding <> 3 or typeof(v) <> 'blob' or expiration_ms <> -1 or " +
      "typeof(k) <> 'blob' or k <= x'02' or k >= x'03' limit 1",
  );
  return strange.get() ? "a record is not plain bytes" : undefined;
}

function moveAside(place: StatePlace, nowMs: number): string {
  const suffix = `.damaged-${new Date(nowMs).toISOString().replaceAll(":", "")}`;
  using _ = place.actAsOwner();
  for (const name of DATABASE_FILES) {
    const from = join(place.path, name);
    if (place.check(name)) Deno.renameSync(from, `${from}${suffix}`);
  }
  return join(place.path, `${DATABASE}${suffix}`);
}
