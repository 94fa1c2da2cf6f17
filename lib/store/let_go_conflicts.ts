import { EtcdError } from "../etcd/mod.ts";
import type { KeyRow } from "../keycache/mod.ts";
import type { StoreContext } from "./context.ts";
import { OVERTAKEN } from "./decide.ts";
import { isNewer } from "./ownership.ts";
import { readVersions } from "./read_values.ts";

/** Only tells how much is read at once. */
const EXPECTED_BYTES = 4_096;

/**
 * Conflicts, but for those that are an everyday matter: a key that was let go of, and into which
 * another node of the pool has put a newer copy meanwhile. What an apiserver wrote there stays one.
 *
 * @param context both sides
 * @param conflicts by object key, each with the reason
 * @param rows as they were before
 * @returns the conflicts that somebody should know of; all of them if etcd does not say more
 */
export async function withoutOvertaken(
  context: StoreContext,
  conflicts: ReadonlyMap<string, string>,
  rows: ReadonlyMap<string, KeyRow>,
): Promise<ReadonlyMap<string, string>> {
  const requests = [...conflicts].filter(([, reason]) => reason === OVERTAKEN)
    .map(([key]) => ({ key, expectedBytes: EXPECTED_BYTES }));
  if (requests.length === 0) return conflicts;
  try {
    const found = await readVersions(context, requests, true);
    if (!found) return conflicts;
    const isEveryday = (key: string) => {
      const [value, row] = [found.versions.get(key), rows.get(key)];
      return !value || (value.resourceVersion !== "" && row !== undefined && isNewer(value, row));
    };
    return new Map(
      [...conflicts].filter(([key, reason]) => reason !== OVERTAKEN || !isEveryday(key)),
    );
  } catch (error) {
    if (error instanceof EtcdError) return conflicts;
    throw error;
  }
}
