import { isApiserversOwn } from "../k8s/mod.ts";
import type { KeyRow } from "../keycache/mod.ts";
import {
  behindApi,
  checkCluster,
  judgeFence,
  observe,
  othersValue,
  readVersions,
  type StoreContext,
} from "../store/mod.ts";

/** How etcd differs from the component-key cache. */
export interface Verification {
  /** Keys that are owned. */
  readonly keys: number;
  /** Keys that etcd does not hold as the cache says, or whose value no owner holds. */
  readonly drift: readonly { readonly key: string; readonly reason: string }[];
  /** Core Secrets that the last full pass left out; absent if there were none. */
  readonly secretsLeftOut?: number;
  /** What the fence says; absent if it is in step. */
  readonly fence?: string;
  /** etcd's revision, decimal. */
  readonly revision: string;
}

const CHANGED = "changed in etcd by another";
/** More values are not read to tell what another wrote: then only that another did is said. */
const MAX_READ = 4_096;

/**
 * Compares etcd with the component-key cache: by keys and mod revisions, and by the value where
 * another wrote it. Writes nothing.
 *
 * @param context both sides
 * @throws {OtherClusterError} if it is another etcd than the one that the cache is about
 * @throws {EtcdError} if etcd fails
 */
export async function verify(context: StoreContext): Promise<Verification> {
  const { cache } = context;
  const seen = await observe(context, cache.rows.keys());
  await checkCluster(context, seen);
  const reasons = new Map<string, string>();
  const others: KeyRow[] = [];
  for (const row of cache.rows.values()) {
    const mod = seen.mods.get(row.key);
    const reason = driftOf(row, mod);
    if (reason !== undefined) reasons.set(row.key, reason);
    else if (row.owners.length > 0 && !(isOurOwn(row) && row.mod === mod)) others.push(row);
  }
  for (const [key, reason] of await differencesOf(context, others)) reasons.set(key, reason);
  const { kind } = judgeFence(seen.fence, cache.identity.life, cache.fence, cache.intent?.header);
  const secretsLeftOut = cache.memory.past?.secretsLeftOut;
  return {
    keys: cache.rows.size,
    drift: [...cache.rows.keys()].flatMap((key) => {
      const reason = reasons.get(key);
      return reason === undefined ? [] : [{ key, reason }];
    }),
    ...(secretsLeftOut !== undefined && { secretsLeftOut }),
    ...(kind !== "in-step" && { fence: kind }),
    revision: seen.revision,
  };
}

/** What every apiserver makes itself is left to it. */
function isLeft(key: string, owners: KeyRow["owners"]): boolean {
  return owners.some(({ gvr }) => isApiserversOwn(gvr, key));
}

/** What was adopted may be another's, until an owner here holds it. */
function isOurOwn({ ours, adopted = false }: KeyRow): boolean {
  return ours && !adopted;
}

/** What needs no look at the value. */
function driftOf(row: KeyRow, mod: string | undefined): string | undefined {
  if (row.owners.length === 0) return mod === undefined ? undefined : "to be deleted";
  if (mod === undefined) return "missing in etcd";
  if (row.mod === null && row.ours) return "not verified since etcd was reset";
  return row.mod === mod ? behindApi(row.owners, row) : undefined;
}

/** Of values that another wrote, those that no owner holds. */
async function differencesOf(
  context: StoreContext,
  rows: readonly KeyRow[],
): Promise<Map<string, string>> {
  const differences = new Map<string, string>();
  const requests = rows.slice(0, MAX_READ).map(({ key, owners }) => ({
    key,
    expectedBytes: Math.max(...owners.map(({ stamp }) => stamp.size)),
  }));
  const found = await readVersions(context, requests, true);
  for (const row of rows) {
    const { key, owners } = row;
    if (!found?.versions.has(key)) {
      differences.set(key, CHANGED);
      continue;
    }
    const version = found.versions.get(key);
    if (version?.resourceVersion === "" && isLeft(key, owners)) continue;
    const difference = version ? othersValue(version, owners) : "gone";
    if (difference === undefined) continue;
    differences.set(key, isOurOwn(row) ? `${CHANGED}: ${difference}` : difference);
  }
  return differences;
}
