import { ComponentKeyCache } from "../../lib/keycache/mod.ts";
import { denoKvStore } from "../../lib/keycache/deno_kv_store.ts";
import type { EdgeNode } from "../e2e/_node.ts";

/** What a cache knows, for checks from outside. */
export interface KnownKeys {
  readonly rows: ReadonlySet<string>;
  /** Keys of the pending intent. */
  readonly pending: ReadonlySet<string>;
}

const FILES = ["cache.kv", "cache.kv-wal", "cache.kv-shm"];

/**
 * Reads what the cache of a killed agent knows, from a copy: opening it would already heal it.
 *
 * @param node whose agent is not running
 */
export async function knownKeys(node: EdgeNode): Promise<KnownKeys> {
  const copy = Deno.makeTempDirSync({ prefix: "edgekeyd-copy-" });
  try {
    for (const name of FILES) copyIfThere(`${node.stateDir}/${name}`, `${copy}/${name}`);
    const kv = await Deno.openKv(`${copy}/cache.kv`);
    const cache = await ComponentKeyCache.load(denoKvStore(kv, copy), {
      nodeName: node.name,
      prefix: node.prefix,
      newLife: () => "never",
      nowMs: () => Date.now(),
    });
    const pending = cache.intent?.entries.map(({ key }) => key) ?? [];
    const known = { rows: new Set(cache.rows.keys()), pending: new Set(pending) };
    cache.close();
    return known;
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
}

function copyIfThere(from: string, to: string): void {
  try {
    Deno.copyFileSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
