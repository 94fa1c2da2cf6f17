import type { AgentClock, CacheUse } from "../agent/mod.ts";
import { setImmediate } from "node:timers";
import { connect, type Etcd, txnBudget } from "../etcd/mod.ts";
import {
  type CacheOptions,
  type ComponentKeyCache,
  hasCache,
  holdStateDirectory,
  KeyCacheError,
  memoryCache,
} from "../keycache/mod.ts";
import type { StoreContext } from "../store/mod.ts";
import { type Options, tlsFilesOf } from "./options.ts";

/** The real clock. */
export const clock: AgentClock = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.timeOrigin + performance.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  pause: () => new Promise((resolve) => setImmediate(resolve)),
  alarm(ms, ring) {
    const timer = setTimeout(ring, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Runs work on the component-key cache, with the state directory held.
 *
 * @param options where it is, and whose it should be
 * @param use what for
 * @param note told what a person should know
 * @param work what to do with it
 * @throws {KeyCacheError} if it can't be held or opened
 */
export async function withCache<T>(
  options: Options,
  use: CacheUse,
  note: (text: string) => void,
  work: (cache: ComponentKeyCache) => Promise<T>,
): Promise<T> {
  const cacheOptions = cacheOptionsOf(options);
  if (use !== "fill" && !hasCache(options.stateDir)) {
    if (use === "dry") return await using(await memoryCache(cacheOptions), work);
    throw new KeyCacheError(
      "io",
      `no component-key cache in ${options.stateDir}; run \`edgekeyd --reconcile\` first, or give ` +
        "the --state-dir that it uses",
    );
  }
  const directory = await holdStateDirectory(options.stateDir, options.lockTimeoutMs);
  try {
    if (use === "fill" || use === "change") {
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

/** Whose cache the flags ask for. */
export function cacheOptionsOf(options: Options): CacheOptions {
  return {
    nodeName: options.nodeName,
    prefix: options.etcdPrefix,
    newLife: random,
    nowMs: clock.steadyMs,
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
    requestBytes: txnBudget(options.etcdMaxRequestBytes, options.etcdUsername),
    random,
    clock,
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
