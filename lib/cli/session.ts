import type { AgentClock, CacheUse } from "../agent/mod.ts";
import { connect, type Etcd, type Exposure, exposuresOf, txnBudget } from "../etcd/mod.ts";
import {
  type CacheOptions,
  type ComponentKeyCache,
  hasCache,
  holdStateDirectory,
  KeyCacheError,
  makeLife,
  memoryCache,
  type StateDirectory,
} from "../keycache/mod.ts";
import { randomId } from "../random_id.ts";
import { realClock } from "../real_clock.ts";
import type { HomeCluster, StoreContext } from "../store/mod.ts";
import { type Options, tlsFilesOf } from "./options.ts";
import { checkCredentials } from "./remembered_credentials.ts";
import { knownAtOnce, renamedHost, toRemember } from "./remembered.ts";

/** The real clock, which can also ring. */
export const clock: AgentClock = {
  ...realClock,
  alarm(ms, ring) {
    const timer = setTimeout(ring, ms);
    return () => clearTimeout(timer);
  },
};

/** A command that works on a state directory itself. */
export interface Session {
  /** Where it is, and whose it should be. */
  readonly options: Options;
  /** Told what a person should know. */
  readonly note: (text: string) => void;
  /** The cluster (decimal) that has answered; undefined if none has yet. */
  readonly clusterId: () => string | undefined;
}

/**
 * Runs work on the component-key cache, with the state directory held. Work that may write, and met
 * an etcd, has its settings remembered.
 *
 * @param session for whom
 * @param use what for
 * @param work what to do with it
 * @throws {KeyCacheError} if it can't be held or opened
 */
export async function withCache<T>(
  session: Session,
  use: CacheUse,
  work: (cache: ComponentKeyCache) => Promise<T>,
): Promise<T> {
  const { options, note } = session;
  const cacheOptions = cacheOptionsOf(options);
  if (use !== "fill" && !hasCache(options.stateDir)) {
    if (use === "dry") return await using(await memoryCache(cacheOptions), work);
    throw new KeyCacheError(
      "io",
      `no component-key cache in ${options.stateDir}: give the --state-dir that it uses; if there ` +
        "was one here, bring its directory back (is its disk mounted?); on a new node run " +
        "`edgekeyd --reconcile` first, with --etcd-servers",
    );
  }
  const directory = await holdStateDirectory(options.stateDir, options.lockTimeoutMs);
  try {
    if (use === "fill" || use === "change") {
      const isBorn = !hasCache(options.stateDir);
      const { cache, movedAside } = await directory.openCache(cacheOptions);
      const known = knownAtOnce(options, isBorn);
      if (known) directory.remember(known);
      if (movedAside) note(`the component-key cache was damaged; it was moved to ${movedAside}`);
      return await using(cache, async () => {
        tellRenamed(session, cache);
        const done = await work(cache);
        rememberSession(session, cache, directory);
        return done;
      });
    }
    const cache = await directory.peekCache(cacheOptions);
    if (cache) tellRenamed(session, cache);
    return await using(cache ?? await memoryCache(cacheOptions), work);
  } finally {
    directory.release();
  }
}

function tellRenamed({ options, note }: Session, { identity }: ComponentKeyCache): void {
  const renamed = renamedHost(options, identity.nodeName);
  if (renamed !== undefined) note(renamed);
}

function rememberSession(
  { options, note, clusterId }: Session,
  { identity: { nodeName, prefix } }: ComponentKeyCache,
  directory: StateDirectory,
): void {
  const cluster = clusterId();
  if (cluster === undefined) return;
  const named = { ...options, nodeName, etcdPrefix: prefix };
  try {
    directory.remember(toRemember(named, options.remembered, "command", cluster));
  } catch (error) {
    if (!(error instanceof KeyCacheError)) throw error;
    note(`commands without flags won't know these settings: ${error.message}`);
  }
}

/** Whose cache the flags ask for. */
export function cacheOptionsOf(options: Options): CacheOptions {
  return {
    nodeName: options.nodeName,
    prefix: options.etcdPrefix,
    defaults: [
      ...(options.given.has("node-name") ? [] : ["nodeName" as const]),
      ...(options.given.has("etcd-prefix") ? [] : ["prefix" as const]),
    ],
    newLife: () =>
      makeLife({ nowMs: clock.nowMs(), hostname: options.hostname, random: randomId() }),
    nowMs: clock.steadyMs,
  };
}

/**
 * Both sides, with the limits that the flags set.
 *
 * @param options the flags
 * @param cache one side
 * @param etcd the other
 * @param home the cluster that this node wrote to
 */
export function storeContext(
  options: Options,
  cache: ComponentKeyCache,
  etcd: Etcd,
  home: HomeCluster,
): StoreContext {
  return {
    etcd,
    cache,
    home,
    maxTxnOps: options.etcdMaxTxnOps,
    requestBytes: txnBudget(options.etcdMaxRequestBytes, options.etcdUsername),
    random: randomId,
    clock,
  };
}

/** Makes the etcd client that the flags ask for. */
export async function connectEtcd(options: Options): Promise<Etcd> {
  checkCredentials(options);
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

/** Who else could have the password or the key. */
export function credentialExposures(options: Options): Exposure[] {
  const { etcdServers: endpoints, etcdKeyfile: keyFile, etcdPasswordFile: passwordFile } = options;
  return exposuresOf({ endpoints, keyFile, passwordFile });
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
