import { EdgekeydError } from "../errors.ts";
import type { Etcd, Exposure, KeyWatch, WatchEvent } from "../etcd/mod.ts";
import { type ComponentKeyCache, KeyCacheError } from "../keycache/mod.ts";
import { type FenceSight, type HomeCluster, lookAtFence, type StoreContext } from "../store/mod.ts";

/** How both sides are opened. */
export interface ConnectionParts {
  /** Opens the component-key cache; called again after it failed. */
  openCache(): Promise<ComponentKeyCache>;
  /** Throws a KeyCacheError if the cache's files are not the ones any more that were opened. */
  checkFiles(): void;
  /** Throws a KeyCacheError if the cache's files can't be written to; absent: nobody looks. */
  checkRoom?(): void;
  /** Makes an etcd client; called again when certificates or password changed. */
  connect(): Promise<Etcd>;
  /** Changes whenever the files that {@linkcode connect} reads do. */
  credentials(): string;
  /** Who else could have what those files hold. */
  exposures(): readonly Exposure[];
  /** What store operations work with. */
  store(cache: ComponentKeyCache, etcd: Etcd): StoreContext;
  /** The cluster that this node wrote to; absent: whichever answers. */
  home?(): HomeCluster;
}

/** The component-key cache and the etcd client, opened anew when they have to be. */
export class Connections {
  readonly #parts: ConnectionParts;
  #cache: ComponentKeyCache;
  #cacheClosed = false;
  #etcd: Etcd | undefined;
  #renew = false;
  #credentialFailure: EdgekeydError | undefined;
  #credentials: string;

  /**
   * @param parts how they are opened
   * @param cache the component-key cache, open
   */
  constructor(parts: ConnectionParts, cache: ComponentKeyCache) {
    this.#parts = parts;
    this.#cache = cache;
    this.#credentials = parts.credentials();
  }

  /** The component-key cache, to look at only. */
  get cache(): ComponentKeyCache {
    return this.#cache;
  }

  /** Why certificates or password can't be read again, while an earlier client goes on. */
  get credentialFailure(): EdgekeydError | undefined {
    return this.#credentialFailure;
  }

  /**
   * Both sides, open.
   *
   * @throws {KeyCacheError} if the cache's files are not in place, or it can't be opened again
   * @throws {EtcdConfigError} if certificates or password can't be read, and never could
   */
  async context(): Promise<StoreContext> {
    this.checkFiles();
    if (this.#cacheClosed) {
      this.#cache = await this.#parts.openCache();
      this.#cacheClosed = false;
    }
    const etcd = this.#etcd && !this.#renew ? this.#etcd : await this.#connect();
    return this.#parts.store(this.#cache, etcd);
  }

  /** Tries again to read what could not be read; to be called now and then. */
  async retryCredentials(): Promise<void> {
    if (this.#credentialFailure) await this.#connect();
  }

  /** What is being written when it is read is no reason to give up a connection that works. */
  async #connect(): Promise<Etcd> {
    const before = this.#etcd;
    try {
      const etcd = await this.#parts.connect();
      before?.close();
      this.#etcd = etcd;
      this.#credentialFailure = undefined;
      this.#renew = false;
      return etcd;
    } catch (error) {
      if (!before || !(error instanceof EdgekeydError)) throw error;
      this.#credentialFailure = error;
      return before;
    }
  }

  /**
   * Looks whether the component-key cache's files are the ones that were opened.
   *
   * @throws {KeyCacheError} if they are not
   */
  checkFiles(): void {
    this.#parts.checkFiles();
  }

  /** Why the cache's files can't be written to, as far as a look can tell; undefined if they can. */
  roomFailure(): KeyCacheError | undefined {
    try {
      this.#parts.checkRoom?.();
      return undefined;
    } catch (error) {
      if (error instanceof KeyCacheError) return error;
      throw error;
    }
  }

  /** From now on the cache can't be trusted: memory may be ahead of it, or behind. */
  dropCache(): void {
    if (!this.#cacheClosed) this.#cache.close();
    this.#cacheClosed = true;
  }

  /** The next call to etcd is made by a new client. */
  renewEtcd(): void {
    this.#renew = true;
  }

  /** Tells whether certificates or password changed since this was asked last. */
  haveNewCredentials(): boolean {
    const before = this.#credentials;
    this.#credentials = this.#parts.credentials();
    return this.#credentials !== before;
  }

  /**
   * Looks at the fence while others work.
   *
   * @returns what it says, without a verdict where the cache can't be trusted; undefined if there is
   * no client yet, or it was closed meanwhile: that says nothing of etcd
   * @throws {EtcdError} if etcd fails
   * @throws {OtherClusterError} if it is another one than this node wrote to
   */
  async lookAtFence(): Promise<FenceSight | undefined> {
    const [etcd, cache] = [this.#etcd, this.#cache];
    try {
      const home = this.#parts.home?.();
      const seen = etcd && await lookAtFence({ etcd, cache, home });
      const isTrusted = cache === this.#cache && !this.#cacheClosed;
      return seen && !isTrusted ? { ...seen, kind: undefined } : seen;
    } catch (error) {
      if (etcd !== this.#etcd) return undefined;
      throw error;
    }
  }

  /**
   * Watches what tells that etcd is not as it was left: the fence, and deletes of object keys.
   *
   * @param told called with each event
   * @returns the watch; undefined if there is no client yet, or it was closed meanwhile
   * @throws {EtcdError} if it does not begin
   */
  async watchEtcd(told: (event: WatchEvent) => void): Promise<KeyWatch | undefined> {
    const etcd = this.#etcd;
    const { prefix, fenceKey } = this.#cache.identity;
    try {
      const watch = await etcd?.watch({ deletedUnder: `${prefix}/`, key: fenceKey }, told);
      if (etcd === this.#etcd) return watch;
      watch?.close();
    } catch (error) {
      if (etcd === this.#etcd) throw error;
    }
    return undefined;
  }

  /** Who else could have what etcd knows us by. */
  exposures(): readonly Exposure[] {
    return this.#parts.exposures();
  }

  /** Closes both. */
  close(): void {
    this.#etcd?.close();
    this.#etcd = undefined;
    this.dropCache();
  }
}
