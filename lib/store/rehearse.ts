import { buildTxn, type FenceMove, type TxnOp } from "../etcd/mod.ts";
import type { StoreContext } from "./context.ts";
import type { PlannedOp } from "./pack.ts";

/** No fence holds this: it has no slash. */
const NEVER = "rehearsal";
const NOTHING = new Uint8Array();

/**
 * Asks etcd whether it would take the Txns of a run: each is sent with a condition that never holds,
 * and without the values. etcd looks at rights, quota, alarms and limits before it looks at
 * conditions, so that it refuses what it would refuse the run, and changes nothing.
 *
 * @param context both sides
 * @param batches what each Txn would do
 * @throws {EtcdError} as the run's would
 */
export async function rehearse(
  { cache, etcd, maxTxnOps }: StoreContext,
  batches: readonly (readonly PlannedOp[])[],
): Promise<void> {
  const fence: FenceMove = { key: cache.identity.fenceKey, expected: NEVER, next: NEVER };
  // What a run settles before anything else is a Txn, too.
  const all = cache.intent && batches.length === 0 ? [[]] : batches;
  for (const batch of all) {
    await etcd.txn(buildTxn(fence, batch.map(withoutValue), maxTxnOps));
  }
}

function withoutValue({ action, key, guardMod }: PlannedOp): TxnOp {
  return action === "delete"
    ? { action, key, guardMod }
    : { action, key, guardMod, value: NOTHING };
}
