import { type KeyRow } from "../keycache/mod.ts";
import { judgeFence, observe, type StoreContext } from "../store/mod.ts";

/** How etcd differs from the component-key cache. */
export interface Verification {
  /** Keys that are owned. */
  readonly keys: number;
  /** Keys that etcd does not hold as the cache says. */
  readonly drift: readonly { readonly key: string; readonly reason: string }[];
  /** What the fence says; absent if it is in step. */
  readonly fence?: string;
  /** etcd's revision, decimal. */
  readonly revision: string;
}

/**
 * Holds etcd against the component-key cache, by keys and mod revisions alone. Writes nothing.
 *
 * @param context both sides
 * @throws {EtcdError} if etcd fails
 */
export async function verify(context: StoreContext): Promise<Verification> {
  const { cache, etcd } = context;
  const seen = await observe(etcd, cache.identity, cache.rows.keys());
  const drift: { key: string; reason: string }[] = [];
  for (const row of cache.rows.values()) {
    const reason = driftOf(row, seen.mods.get(row.key));
    if (reason !== undefined) drift.push({ key: row.key, reason });
  }
  const { kind } = judgeFence(seen.fence, cache.identity.life, cache.fence, cache.intent?.header);
  return {
    keys: cache.rows.size,
    drift,
    ...(kind !== "in-step" && { fence: kind }),
    revision: seen.revision,
  };
}

function driftOf(row: KeyRow, mod: string | undefined): string | undefined {
  if (row.owners.length === 0) return mod === undefined ? undefined : "to be deleted";
  if (mod === undefined) return "missing in etcd";
  if (row.mod === mod) return undefined;
  return row.mod === null ? "not verified since etcd was reset" : "changed in etcd by another";
}
