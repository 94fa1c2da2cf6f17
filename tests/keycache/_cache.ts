import { type CacheOptions, ComponentKeyCache, type KvStore } from "../../lib/keycache/mod.ts";
import { denoKvStore } from "../../lib/keycache/deno_kv_store.ts";

/** Options of a cache whose life and clock the test sets. */
export function cacheOptions(changes: Partial<CacheOptions> = {}): CacheOptions {
  return {
    nodeName: "edge-1",
    prefix: "/registry",
    newLife: () => "0123456789abcdef",
    nowMs: () => 1_000,
    ...changes,
  };
}

/** A database in a directory of its own, to be opened as often as a test likes. */
export class TestDatabase implements Disposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "edgekeyd-kv-" });
  readonly #stores: KvStore[] = [];

  get path(): string {
    return `${this.directory}/cache.kv`;
  }

  /** Opens the database once more; it is closed with this. */
  async store(): Promise<KvStore> {
    const store = denoKvStore(await Deno.openKv(this.path), this.path);
    this.#stores.push(store);
    return store;
  }

  /** Loads the cache from its database as a new process would. */
  async load(changes: Partial<CacheOptions> = {}): Promise<ComponentKeyCache> {
    return await ComponentKeyCache.load(await this.store(), cacheOptions(changes));
  }

  /** Closes all that was opened so far. */
  close(): void {
    for (const store of this.#stores.splice(0)) store.close();
  }

  [Symbol.dispose](): void {
    this.close();
    Deno.removeSync(this.directory, { recursive: true });
  }
}

/** A database that dies before the given commit (from 0), as a process that is killed does. */
export function tearing(store: KvStore, atCommit: number): KvStore {
  let commits = 0;
  return {
    path: store.path,
    ...(store.limits && { limits: store.limits }),
    list: (prefix) => store.list(prefix),
    async commit(mutations, absent) {
      if (commits++ >= atCommit) throw new Error("torn");
      await store.commit(mutations, absent);
    },
    close: () => store.close(),
  };
}

/** All that a cache answers, in an order of its own, to hold one against another. */
export function viewOf(cache: ComponentKeyCache) {
  const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
    [...map].toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return {
    identity: cache.identity,
    fence: cache.fence,
    intent: cache.intent,
    rows: sorted(cache.rows),
    files: sorted(cache.files),
    tombstones: sorted(cache.tombstones),
    windows: sorted(cache.windows),
    byOwner: sorted(cache.byOwner).map(([component, resources]) => [
      component,
      sorted(resources).map(([gvr, keys]) => [gvr, [...keys].sort()]),
    ]),
  };
}
