import { formatPath, parsePath } from "../fscache/mod.ts";
import { type KeyRow, type Owner, ownRow, type RecordedKey, sameOwner } from "../keycache/mod.ts";
import { nameInKey, parseGvr } from "../k8s/mod.ts";
import { readVersions, recover, type StoreContext } from "../store/mod.ts";

/** What came of taking over recorded keys. */
export interface TakeOver {
  /** Keys that are ours now. */
  readonly taken: number;
  /** Keys that were ours already. */
  readonly held: number;
  /** Keys that are not in etcd. */
  readonly absent: number;
  /** Keys that stay what they are. */
  readonly left: readonly { readonly key: string; readonly reason: string }[];
}

/**
 * Takes over keys that another storage of this node wrote and recorded: they become owned as if
 * this agent had put them for those components. Writes to the cache alone. The next reconcile
 * keeps those whose files are there; the others are deletes like any, with all that guards them.
 *
 * @param context both sides
 * @param recorded the keys, and for whom they were recorded
 * @throws what recover throws, and {@linkcode EtcdError} if etcd fails
 */
export async function takeOverKeys(
  context: StoreContext,
  recorded: readonly RecordedKey[],
): Promise<TakeOver> {
  const { cache } = context;
  await recover(context);
  const owners = new Map<string, RecordedKey[]>();
  const held = new Set<string>();
  const left = new Map<string, string>();
  for (const one of recorded) {
    if (cache.rows.get(one.key)?.ours) held.add(one.key);
    else if (!isFilePath(cache.identity.prefix, one)) {
      left.set(one.key, `no file of ${one.component}/${one.gvr} can stand for it`);
    } else owners.set(one.key, [...owners.get(one.key) ?? [], one]);
  }
  const requests = [...owners.keys()].map((key) => ({ key, expectedBytes: 0 }));
  const rows = new Map<string, KeyRow>();
  let absent = 0;
  const found = await readVersions(context, requests, true);
  for (const [key, version] of found?.versions ?? []) {
    if (!version) absent++;
    else if (version.resourceVersion === "") left.set(key, "an apiserver wrote it");
    else {
      const { uid, resourceVersion } = version;
      const before = cache.rows.get(key)?.owners ?? [];
      const after = [...before];
      for (const { component, gvr } of owners.get(key) ?? []) {
        const owner: Owner = {
          component,
          gvr,
          source: "current",
          uid,
          resourceVersion,
          stamp: { size: 0, mtimeMs: 0, ctimeMs: 0, ino: 0 },
          readAtMs: 0,
        };
        if (!after.some((other) => sameOwner(other, owner))) after.push(owner);
      }
      rows.set(key, ownRow(key, { uid, resourceVersion }, after));
    }
  }
  await cache.keep(rows);
  return {
    taken: rows.size,
    held: held.size,
    absent,
    left: [...left].map(([key, reason]) => ({ key, reason })),
  };
}

/** OpenYurt doubles a Namespace's name in its key, for one: no file ever answers to that. */
function isFilePath(prefix: string, { component, gvr, key }: RecordedKey): boolean {
  const parsed = parseGvr(gvr);
  const name = parsed && nameInKey(prefix, parsed, key);
  return name !== undefined &&
    parsePath(formatPath({ component, directory: gvr, ...name })) !== undefined;
}
