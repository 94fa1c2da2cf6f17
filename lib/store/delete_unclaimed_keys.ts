import { EdgekeydError } from "../errors.ts";
import { type KeyRow, ownRow } from "../keycache/mod.ts";
import { apply } from "./apply.ts";
import type { ApplyRequest } from "./apply_request.ts";
import type { ApplyResult } from "./apply_result.ts";
import type { StoreContext } from "./context.ts";
import type { OwnershipChange } from "./ownership.ts";
import { readVersions } from "./read_values.ts";

/** A key that was named for deletion must not be deleted; none of those named with it was. */
export class NotUnclaimedError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "NotUnclaimedError";

  /**
   * Makes it; its code is `NotUnclaimed`.
   *
   * @param key the key
   * @param reason why not, and what to do
   */
  constructor(key: string, reason: string) {
    super("NotUnclaimed", `${JSON.stringify(key)} ${reason}; nothing was deleted`);
  }
}

/**
 * Deletes keys that an operator names: what importers wrote and no component here owns. The cache
 * knows them only while their Txn is pending, so that one which failed is not deleted later.
 *
 * @param context both sides; recovery has been done
 * @param keys which; one that is not in etcd is no error
 * @param options how to apply
 * @returns what was done; a key that changed meanwhile is a conflict
 * @throws {NotUnclaimedError} if one is owned, outside the prefix, or an apiserver's
 * @throws {EtcdError} if etcd fails
 */
export async function deleteUnclaimedKeys(
  context: StoreContext,
  keys: readonly string[],
  options: Pick<ApplyRequest, "bytesOf">,
): Promise<ApplyResult> {
  const { cache } = context;
  const { prefix } = cache.identity;
  for (const key of keys) {
    if (!key.isWellFormed()) throw new NotUnclaimedError(key, "is not text that etcd can hold");
    if (!key.startsWith(`${prefix}/`)) {
      throw new NotUnclaimedError(key, `is not under --etcd-prefix ${prefix}`);
    }
    if ((cache.rows.get(key)?.owners.length ?? 0) > 0) {
      throw new NotUnclaimedError(key, "has an owner on this node; see `edgekeyd owners`");
    }
  }
  const requests = [...new Set(keys)].map((key) => ({ key, expectedBytes: 0 }));
  const rows = new Map<string, KeyRow>();
  const changes = new Map<string, OwnershipChange>();
  const found = await readVersions(context, requests, true);
  for (const [key, version] of found?.versions ?? []) {
    if (!version) continue;
    const { uid, resourceVersion } = version;
    if (resourceVersion === "") {
      throw new NotUnclaimedError(key, "was written by an apiserver; delete it there");
    }
    rows.set(key, ownRow(key, { uid, resourceVersion }, []));
    changes.set(key, { key, acquired: [], released: [] });
  }
  return await apply(context, {
    ...options,
    changes,
    full: false,
    asOne: true,
    rules: { policy: "skip", adopting: false },
    requireSingleTxn: false,
    unclaimed: rows,
  });
}
