import { Buffer } from "node:buffer";
import { type Etcd, EtcdError, type KeyValue } from "../etcd/mod.ts";
import type { Identity } from "../keycache/mod.ts";
import { KEYS_ONLY, rangeOf, readPages, restartingIfCompacted } from "./pages.ts";
import { type Span, spansOf } from "./spans.ts";

/** What etcd held at one revision. */
export interface Observation {
  /** The fence's value; null if it does not exist. */
  readonly fence: string | null;
  /** The fence's mod revision; "0" if it does not exist. */
  readonly fenceMod: string;
  /** Mod revisions by key; a key that was asked for and is not here does not exist. */
  readonly mods: ReadonlyMap<string, string>;
  /** The revision that it was read at, decimal. */
  readonly revision: string;
  /** etcd's cluster id, decimal. */
  readonly clusterId: string;
}

/**
 * Reads fence and mod revisions, keys only, in pages at one revision.
 *
 * @param etcd where
 * @param identity where the fence is, and the keys' prefix
 * @param keys what to look for; neighbours under the same resource are read along
 * @throws {EtcdError} if etcd fails, or compacts faster than it can be read
 */
export async function observe(
  etcd: Etcd,
  { fenceKey, prefix }: Pick<Identity, "fenceKey" | "prefix">,
  keys: Iterable<string>,
): Promise<Observation> {
  const spans = spansOf(keys, prefix);
  return await restartingIfCompacted(() => observeOnce(etcd, fenceKey, spans));
}

async function observeOnce(
  etcd: Etcd,
  fenceKey: string,
  spans: readonly Span[],
): Promise<Observation> {
  const key = Buffer.from(fenceKey);
  const answer = await etcd.range({ key });
  const fence = answer.kvs[0];
  const { revision, cluster_id: clusterId } = answer.header;
  const mods = new Map<string, string>();
  const options = { ...KEYS_ONLY, revision };
  for await (const { kvs } of readPages(etcd, spans.map(rangeOf), options)) {
    for (const kv of kvs) mods.set(kv.key.toString(), kv.mod_revision);
  }
  if (spans.length > 0) {
    // An etcd that was restored meanwhile, and has grown again, answers from another past.
    const [still] = (await etcd.range({ key, revision })).kvs;
    if (still?.mod_revision !== fence?.mod_revision || !isSameValue(still, fence)) {
      throw new EtcdError("compacted", "etcd was restored to an older state while it was read");
    }
  }
  return {
    fence: fence ? fence.value.toString() : null,
    fenceMod: fence ? fence.mod_revision : "0",
    mods,
    revision,
    clusterId,
  };
}

function isSameValue(a: KeyValue | undefined, b: KeyValue | undefined): boolean {
  return a === undefined ? b === undefined : b !== undefined && a.value.equals(b.value);
}
