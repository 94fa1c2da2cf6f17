import { Buffer } from "node:buffer";
import { type Etcd, EtcdError, type Leases } from "../etcd/mod.ts";
import { aliveKeyOf, type ComponentKeyCache, type Identity } from "../keycache/mod.ts";
import { aliveSince, decodeAlive, encodeAlive, type StoreContext } from "../store/mod.ts";
import { etcdStateAfter } from "./health.ts";

/** How an alive key is kept. */
export interface AliveOptions {
  /** The version of edgekeyd. */
  readonly version: string;
  /** Full passes come this often; the key outlives two that fail. */
  readonly resyncIntervalMs: number;
}

/** When it was kept last. */
interface Kept {
  /** The cache's epoch then: in another one etcd went back, and the lease with it. */
  readonly epoch: number;
  /** By a clock that only runs forward. */
  readonly atMs: number;
}

/** Intervals that the key stands without being kept. */
const INTERVALS = 3;
/** It stands for no shorter than this, however often full passes come. */
const MIN_TTL_SECONDS = 60;
/** Full passes don't come at the very second. */
const EARLY = 0.9;
const LEASE = /^[1-9][0-9]{0,18}$/;

/**
 * Keeps the key that tells a pool that this node's daemon is there. It stands under a lease, so
 * that etcd deletes it some time after the daemon was there last. Nothing that this node does goes
 * by it.
 */
export class AliveKey {
  readonly #version: string;
  readonly #ttlSeconds: number;
  #kept: Kept | undefined;

  /** @param options how it is kept */
  constructor({ version, resyncIntervalMs }: AliveOptions) {
    this.#version = version;
    this.#ttlSeconds = Math.max(
      MIN_TTL_SECONDS,
      Math.ceil(INTERVALS * resyncIntervalMs / 1_000),
    );
  }

  /**
   * Keeps it, if it is time to. That writes nothing, unless the key is gone or another's.
   *
   * @param context both sides; the fence in etcd is this node's
   * @param nowMs wall clock, ms since the epoch
   * @returns why it can't be kept, though etcd answers; undefined if it can, or nobody knows
   */
  async keep(context: StoreContext, nowMs: number): Promise<string | undefined> {
    const { etcd, cache, clock } = context;
    const { leases } = etcd;
    if (!leases) return undefined;
    const [atMs, { epoch }] = [clock.monotonicMs(), cache.fence];
    const kept = this.#kept?.epoch === epoch ? this.#kept : undefined;
    const dueMs = EARLY * this.#ttlSeconds * 1_000 / INTERVALS;
    if (kept && atMs - kept.atMs < dueMs) return undefined;
    this.#kept = undefined;
    try {
      const standing = await this.#standing(etcd, cache);
      const lease = standing === undefined ? undefined : await leases.keep(standing);
      const isKept = lease !== undefined && lease.ttlSeconds >= this.#ttlSeconds;
      if (!isKept) await this.#put(context, leases, nowMs);
      this.#kept = { epoch, atMs };
      return undefined;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      return etcdStateAfter(error) === "away" ? undefined : error.message;
    }
  }

  /** The lease under which the key stands, if this version put it for this life. */
  async #standing(etcd: Etcd, { identity }: ComponentKeyCache): Promise<string | undefined> {
    const { kvs: [found] } = await etcd.range({ key: keyOf(identity) });
    const said = found && decodeAlive(String(found.value));
    const isOurs = said?.version === this.#version && said.life === identity.life;
    return isOurs && LEASE.test(found?.lease ?? "") ? found?.lease : undefined;
  }

  async #put(
    { etcd, cache: { identity } }: StoreContext,
    leases: Leases,
    nowMs: number,
  ): Promise<void> {
    const { id: lease } = await leases.grant(this.#ttlSeconds);
    const { life } = identity;
    const value = encodeAlive({ version: this.#version, life, since: aliveSince(nowMs) });
    const put = { key: keyOf(identity), value: Buffer.from(value), lease };
    await etcd.txn({ compare: [], success: [{ request_put: put }], failure: [] });
  }
}

/**
 * Deletes the alive key of a node that has left the pool. If that can't be done, it goes by itself
 * with its lease.
 *
 * @param context both sides
 */
export async function dropAliveKey({ etcd, cache }: StoreContext): Promise<void> {
  const key = keyOf(cache.identity);
  try {
    const { kvs: [found] } = await etcd.range({ key, keys_only: true });
    if (!found) return;
    await etcd.txn({ compare: [], success: [{ request_delete_range: { key } }], failure: [] });
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
  }
}

function keyOf({ nodeName }: Identity): Buffer {
  return Buffer.from(aliveKeyOf(nodeName));
}
