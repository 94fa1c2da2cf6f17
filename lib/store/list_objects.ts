import { Buffer } from "node:buffer";
import { formatGvr, type Gvr, nameInKey } from "../k8s/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { StoreContext } from "./context.ts";
import { ListTooLargeError } from "./errors.ts";
import { listComponentKeys } from "./list_component_keys.ts";
import { restartingIfCompacted } from "./pages.ts";
import { expectedBytes, inPages } from "./read_values.ts";
import { inOrder } from "./spans.ts";

/** Which list. */
export interface ListPlace {
  /** Whose it is. */
  readonly component: string;
  /** Its resource. */
  readonly gvr: Gvr;
  /** Only this namespace; undefined: all. */
  readonly namespace: string | undefined;
}

/** Objects as they were in etcd at one moment. */
export interface ObjectList {
  /** By key, in order; JSON, unless an apiserver wrote it. */
  readonly values: ReadonlyMap<string, Uint8Array>;
  /** etcd's revision; undefined if the component holds none, so that etcd was not asked. */
  readonly revision: string | undefined;
}

/** What one list may hold: it is built in memory. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;

/**
 * Reads all objects of a component's resource from etcd, at one revision.
 *
 * @param context both sides
 * @param place which list
 * @throws {ListTooLargeError} if they are too many for one answer
 * @throws {EtcdError} if etcd fails
 */
export async function listObjects(context: StoreContext, place: ListPlace): Promise<ObjectList> {
  const { cache, etcd, maxTxnOps } = context;
  // Each by itself: what others have in between may be any number of bytes.
  const requests = inOrder(keysOfList(cache, place)).map((key) => ({
    key,
    expectedBytes: expectedBytes(cache.rows.get(key)?.owners ?? []),
  }));
  return await restartingIfCompacted(async () => {
    const values = new Map<string, Uint8Array>();
    let revision: string | undefined;
    let bytes = 0;
    const ask = (keys: readonly string[]) =>
      etcd.rangeAll(keys.map((key) => ({
        key: Buffer.from(key),
        ...(revision !== undefined && { revision }),
      })));
    for await (const { answer: { header, answers } } of inPages(requests, maxTxnOps, ask)) {
      revision ??= header.revision;
      for (const { key, value } of answers.flatMap(({ kvs }) => kvs)) {
        bytes += value.length;
        if (bytes > MAX_LIST_BYTES) throw new ListTooLargeError(MAX_LIST_BYTES);
        values.set(key.toString(), value);
      }
    }
    return { values, revision };
  });
}

/**
 * The keys that a component holds of one list.
 *
 * @param cache what is recorded
 * @param place which list
 */
export function keysOfList(cache: ComponentKeyCache, place: ListPlace): string[] {
  const { component, gvr, namespace } = place;
  const keys = listComponentKeys(cache, component, formatGvr(gvr));
  if (namespace === undefined) return keys;
  const { prefix } = cache.identity;
  return keys.filter((key) => nameInKey(prefix, gvr, key)?.namespace === namespace);
}
