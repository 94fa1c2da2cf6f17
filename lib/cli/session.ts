import { setImmediate } from "node:timers";
import { connect, ENVELOPE_BYTES, type Etcd } from "../etcd/mod.ts";
import {
  type CacheOptions,
  type ComponentKeyCache,
  hasCache,
  holdStateDirectory,
  KeyCacheError,
  memoryCache,
} from "../keycache/mod.ts";
import type { Clock } from "../reconcile/mod.ts";
import type { StoreContext } from "../store/mod.ts";
import { type Options, tlsFilesOf } from "./options.ts";

/** The real clock. */
export const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  pause: () => new Promise((resolve) => setImmediate(resolve)),
};

/**
 * Runs work on the component-key cache, with the state directory held.
 *
 * @param options where it is, and whose it should be
 * @param mode `write`: make it if need be, replace a damaged one; `change`: the same, but fail if
 * there is none (a mistyped --state-dir must not look like an empty one); `peek`: only look, and
 * fail if there is none; `dry`: only look, and start from an empty one if there is none
 * @param note told what a person should know
 * @param work what to do with it
 * @throws {KeyCacheError} if it can't be held or opened
 */
export async function withCache<T>(
  options: Options,
  mode: "write" | "change" | "peek" | "dry",
  note: (text: string) => void,
  work: (cache: ComponentKeyCache) => Promise<T>,
): Promise<T> {
  const cacheOptions = cacheOptionsOf(options);
  if (mode !== "write" && !hasCache(options.stateDir)) {
    if (mode === "dry") return await using(await memoryCache(cacheOptions), work);
    throw new KeyCacheError(
      "io",
      `no component-key cache in ${options.stateDir}; run \`edgekeyd --reconcile\` first, or give ` +
        "the --state-dir that it uses",
    );
  }
  const directory = await holdStateDirectory(options.stateDir, options.lockTimeoutMs);
  try {
    if (mode === "write" || mode === "change") {
      const { cache, movedAside } = await directory.openCache(cacheOptions);
      if (movedAside) note(`the component-key cache was damaged; it was moved to ${movedAside}`);
      return await using(cache, work);
    }
    const cache = await directory.peekCache(cacheOptions);
    return await using(cache ?? await memoryCache(cacheOptions), work);
  } finally {
    directory.release();
  }
}

/**
 * Runs work on cache and etcd.
 *
 * @param options where etcd is
 * @param cache the cache
 * @param work what to do with them
 * @throws {EtcdConfigError} if certificates or password can't be read
 */
export async function withStore<T>(
  options: Options,
  cache: ComponentKeyCache,
  work: (context: StoreContext) => Promise<T>,
): Promise<T> {
  const etcd = await connectEtcd(options);
  try {
    return await work(storeContext(options, cache, etcd));
  } finally {
    etcd.close();
  }
}

/** Whose cache the flags ask for. */
export function cacheOptionsOf(options: Options): CacheOptions {
  return {
    nodeName: options.nodeName,
    prefix: options.etcdPrefix,
    newLife: random,
    nowMs: () => Date.now(),
  };
}

/** Both sides, with the limits that the flags set. */
export function storeContext(
  options: Options,
  cache: ComponentKeyCache,
  etcd: Etcd,
): StoreContext {
  return {
    etcd,
    cache,
    maxTxnOps: options.etcdMaxTxnOps,
    requestBytes: options.etcdMaxRequestBytes - ENVELOPE_BYTES -
      new TextEncoder().encode(options.etcdUsername ?? "").length,
    random,
    sleep: clock.sleep,
  };
}

/** Makes the etcd client that the flags ask for. */
export async function connectEtcd(options: Options): Promise<Etcd> {
  return await connect({
    endpoints: options.etcdServers,
    timeoutMs: options.etcdTimeoutMs,
    ...tlsFilesOf(options),
    ...(options.etcdUsername !== undefined && { username: options.etcdUsername }),
    ...(options.etcdPasswordFile !== undefined && { passwordFile: options.etcdPasswordFile }),
  });
}

/** Changes whenever a file does that {@linkcode connectEtcd} reads. */
export function credentialStamp(options: Options): string {
  const { etcdCafile, etcdCertfile, etcdKeyfile, etcdPasswordFile } = options;
  return [etcdCafile, etcdCertfile, etcdKeyfile, etcdPasswordFile].map(stampOf).join();
}

function stampOf(path: string | undefined): string {
  if (path === undefined) return "";
  try {
    const { ino, size, mtime } = Deno.statSync(path);
    return `${ino}/${size}/${mtime?.getTime()}`;
  } catch {
    return "unreadable";
  }
}

async function using<T>(
  cache: ComponentKeyCache,
  work: (cache: ComponentKeyCache) => Promise<T>,
): Promise<T> {
  try {
    return await work(cache);
  } finally {
    cache.close();
  }
}

/** 128 random bits in hexadecimal. */
function random(): string {
  return Array.from(
    crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}
