import { Buffer } from "node:buffer";
import { connect, type Etcd, txnBudget } from "../../lib/etcd/mod.ts";
import { denoKvStore } from "../../lib/keycache/deno_kv_store.ts";
import { ComponentKeyCache } from "../../lib/keycache/mod.ts";
import type { StoreContext } from "../../lib/store/mod.ts";
import type { EtcdServer } from "./etcd_server.ts";
import { HookedEtcd } from "./hooked_etcd.ts";
import { noWaiting } from "./no_waiting.ts";

/** How a node's agent is set up; etcd's defaults unless told otherwise. */
export interface NodeOptions {
  readonly maxTxnOps?: number;
  readonly requestBytes?: number;
  readonly nodeName?: string;
  readonly prefix?: string;
  readonly nowMs?: () => number;
}

/** A key as etcd holds it. */
export interface StoredKey {
  readonly value: string;
  readonly mod: string;
}

const DEFAULT_MAX_TXN_OPS = 128;
const DEFAULT_REQUEST_BYTES = txnBudget(1_572_864);

let nodes = 0;

/**
 * Both sides of one node's agent: a component-key cache on a real Deno KV and a client of a real
 * etcd, under a prefix and a node name of its own, so that one etcd serves many tests.
 */
export class TestNode implements AsyncDisposable {
  readonly prefix: string;
  readonly nodeName: string;
  readonly etcd: HookedEtcd;
  readonly stateDir = Deno.makeTempDirSync({ prefix: "edgekeyd-node-" });
  readonly #client: Etcd;
  readonly #options: NodeOptions;
  #cache: ComponentKeyCache | undefined;

  private constructor(client: Etcd, options: NodeOptions) {
    this.#client = client;
    this.#options = options;
    nodes++;
    this.prefix = options.prefix ?? `/r${nodes}`;
    this.nodeName = options.nodeName ?? `node-${nodes}`;
    this.etcd = new HookedEtcd(client, options.maxTxnOps ?? DEFAULT_MAX_TXN_OPS);
  }

  static async start(server: EtcdServer, options: NodeOptions = {}): Promise<TestNode> {
    const client = await connect({ endpoints: [server.endpoint], timeoutMs: 10_000 });
    const node = new TestNode(client, options);
    await node.restart();
    return node;
  }

  get cache(): ComponentKeyCache {
    if (!this.#cache) throw new Error("the node is not running");
    return this.#cache;
  }

  get fenceKey(): string {
    return this.cache.identity.fenceKey;
  }

  get context(): StoreContext {
    return {
      etcd: this.etcd,
      cache: this.cache,
      maxTxnOps: this.#options.maxTxnOps ?? DEFAULT_MAX_TXN_OPS,
      requestBytes: this.#options.requestBytes ?? DEFAULT_REQUEST_BYTES,
      random: () => crypto.randomUUID().replaceAll("-", ""),
      clock: noWaiting,
    };
  }

  /** Ends the process and starts the next: memory is gone, the cache is loaded from its database. */
  async restart(): Promise<void> {
    this.#cache?.close();
    this.#cache = undefined;
    const path = `${this.stateDir}/cache.kv`;
    const store = denoKvStore(await Deno.openKv(path), path);
    this.#cache = await ComponentKeyCache.load(store, {
      nodeName: this.nodeName,
      prefix: this.prefix,
      newLife: () => crypto.randomUUID().replaceAll("-", ""),
      nowMs: this.#options.nowMs ?? (() => Date.now()),
    });
  }

  /** The state directory is lost. */
  async loseState(): Promise<void> {
    this.#cache?.close();
    this.#cache = undefined;
    Deno.removeSync(this.stateDir, { recursive: true });
    Deno.mkdirSync(this.stateDir);
    await this.restart();
  }

  /** Copies the state directory, to be put back by {@linkcode TestNode.restoreState}. */
  async saveState(): Promise<string> {
    this.#cache?.close();
    this.#cache = undefined;
    const copy = `${this.stateDir}.saved`;
    Deno.copyFileSync(`${this.stateDir}/cache.kv`, copy);
    await this.restart();
    return copy;
  }

  /** Puts a saved state directory back. */
  async restoreState(copy: string): Promise<void> {
    this.#cache?.close();
    this.#cache = undefined;
    for (const { name } of Deno.readDirSync(this.stateDir)) {
      Deno.removeSync(`${this.stateDir}/${name}`);
    }
    Deno.renameSync(copy, `${this.stateDir}/cache.kv`);
    await this.restart();
  }

  /** Writes a key behind the agent's back, as another client does. */
  async put(key: string, value: string): Promise<void> {
    await this.#client.txn({
      success: [{ request_put: { key: Buffer.from(key), value: Buffer.from(value) } }],
    });
  }

  /** Deletes a key behind the agent's back. */
  /** Another writer puts the same value to many keys. */
  async putAll(keys: readonly string[], value: string): Promise<void> {
    for (let at = 0; at < keys.length; at += 100) {
      const success = keys.slice(at, at + 100).map((key) => ({
        request_put: { key: Buffer.from(key), value: Buffer.from(value) },
      }));
      await this.#client.txn({ compare: [], success, failure: [] });
    }
  }

  async delete(key: string): Promise<void> {
    await this.#client.txn({ success: [{ request_delete_range: { key: Buffer.from(key) } }] });
  }

  async get(key: string): Promise<StoredKey | undefined> {
    const { kvs: [kv] } = await this.#client.range({ key: Buffer.from(key) });
    return kv && { value: kv.value.toString(), mod: kv.mod_revision };
  }

  /** All keys under the node's prefix, without it. */
  async stored(): Promise<Map<string, StoredKey>> {
    const { kvs } = await this.#client.range({
      key: Buffer.from(`${this.prefix}/`),
      range_end: Buffer.from(`${this.prefix}0`),
    });
    return new Map(kvs.map((kv) => [
      kv.key.toString().slice(this.prefix.length),
      { value: kv.value.toString(), mod: kv.mod_revision },
    ]));
  }

  /** The keys under the node's prefix, without it, in order. */
  async keys(): Promise<string[]> {
    return [...(await this.stored()).keys()];
  }

  /** etcd's revision now. */
  async revision(): Promise<string> {
    return (await this.#client.range({ key: Buffer.from("/") })).header.revision;
  }

  /** Fence and keys as they are, to be put back later as a restored etcd has them. */
  async copyEtcd(): Promise<{ restore(): Promise<void> }> {
    const fence = await this.get(this.fenceKey);
    const stored = await this.stored();
    return {
      restore: async () => {
        for (const key of (await this.stored()).keys()) await this.delete(this.prefix + key);
        for (const [key, { value }] of stored) await this.put(this.prefix + key, value);
        await this.put(this.fenceKey, fence?.value ?? "");
      },
    };
  }

  /** All keys of the whole etcd to go: it came back empty, but for its revision. */
  async wipeEtcd(): Promise<void> {
    for (const key of [this.fenceKey, ...(await this.keys()).map((key) => this.prefix + key)]) {
      await this.delete(key);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cache?.close();
    this.#client.close();
    Deno.removeSync(this.stateDir, { recursive: true });
    await Promise.resolve();
  }
}
