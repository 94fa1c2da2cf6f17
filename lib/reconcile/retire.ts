import { EdgekeydError } from "../errors.ts";
import { STOP_FIRST } from "../own_commands.ts";
import { buildTxn, EtcdError } from "../etcd/mod.ts";
import {
  apply,
  type ApplyResult,
  ContentionError,
  type FenceVerdict,
  notedWith,
  type OwnershipChange,
  recover,
  type StoreContext,
} from "../store/mod.ts";

const MAX_ATTEMPTS = 3;

/** A node is to leave an etcd that is not the one that it wrote to. */
export class OtherEtcdError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "OtherEtcdError";

  /**
   * Makes it; its code is `OtherEtcd`.
   *
   * @param why how that was seen
   */
  constructor(why: string) {
    super(
      "OtherEtcd",
      `nothing was retired: ${why}. If --etcd-servers names another etcd, ${STOP_FIRST}, and run ` +
        "`edgekeyd retire` without it: the state directory remembers which it was. If etcd came back " +
        "empty or was made anew, run `edgekeyd --reconcile`, then `edgekeyd retire`; if it is gone " +
        "for good, stop edgekeyd and remove the state directory",
    );
  }
}

/**
 * Takes this node out of the pool: every key that it wrote goes from etcd (one that another
 * changed since stays), every owner from the cache, then the fence, and what is known of lists: a
 * node that comes back has been given none. Safe to run again.
 *
 * @param context both sides
 * @throws {OtherEtcdError} if it is not the etcd that this node wrote to, or came back empty;
 * nothing was done
 * @throws what recover and apply throw
 */
export async function retire(context: StoreContext): Promise<ApplyResult> {
  await recover(context, { allow: (verdict, clusterId) => check(context, verdict, clusterId) });
  let before: Pick<ApplyResult, "deleted" | "released" | "txns"> | undefined;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const applied = await letGoOfAll(context);
    const all = {
      ...applied,
      deleted: applied.deleted + (before?.deleted ?? 0),
      released: applied.released + (before?.released ?? 0),
      txns: applied.txns + (before?.txns ?? 0),
    };
    // While a key is left, the fence stays: without it, an etcd that is restored to now shows
    // nothing.
    if (all.failure || await deleteFence(context)) {
      return await notedWith(all, () => forgetLists(context));
    }
    before = all;
  }
  throw unsettled(context);
}

/** In another etcd there is nothing to delete, and what this node wrote would be forgotten. */
function check({ cache, home }: StoreContext, verdict: FenceVerdict, found: string): void {
  const { fenceKey } = cache.identity;
  const clusterId = home?.clusterId;
  if (clusterId !== undefined && clusterId !== found) {
    throw new OtherEtcdError(`this etcd is cluster ${found}, this node wrote to ${clusterId}`);
  }
  const hasKeys = cache.rows.size > 0 || cache.intent !== undefined;
  if (verdict.kind === "reset" && verdict.seq === undefined && hasKeys) {
    throw new OtherEtcdError(`this etcd has no fence ${fenceKey}, which this node wrote`);
  }
}

async function letGoOfAll(context: StoreContext): Promise<ApplyResult> {
  const changes = new Map<string, OwnershipChange>();
  for (const { key, owners } of context.cache.rows.values()) {
    changes.set(key, { key, acquired: [], released: owners });
  }
  return await apply(context, {
    changes,
    full: true,
    asOne: false,
    rules: { policy: "skip", adopting: false },
    requireSingleTxn: false,
    bytesOf: () => undefined,
  });
}

async function forgetLists({ cache }: StoreContext): Promise<void> {
  for (const component of [...cache.lists.components]) await cache.forgetLists(component);
}

/**
 * Deletes the fence if it still is ours. Should the answer be lost, the fence is read again; an
 * absent fence is what a cache that never wrote expects.
 *
 * @returns false if etcd was restored meanwhile, so that there are keys to delete again
 */
async function deleteFence(context: StoreContext): Promise<boolean> {
  const { cache, etcd, maxTxnOps } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (cache.rows.size > 0) return false;
    const { expected, seq } = cache.fence;
    if (expected === null) return true;
    const move = { key: cache.identity.fenceKey, expected, next: null };
    try {
      const { succeeded } = await etcd.txn(buildTxn(move, [], maxTxnOps));
      if (succeeded) {
        // A restore to before this may bring the deleted fence back, which must be known as older.
        await cache.giveUp({ expected: null, seq: seq + 1 });
        return true;
      }
    } catch (error) {
      if (!(error instanceof EtcdError) || error.outcome === "not-applied") throw error;
    }
    await recover(context);
  }
  throw unsettled(context);
}

function unsettled({ cache }: StoreContext): ContentionError {
  return new ContentionError(`the fence ${cache.identity.fenceKey} could not be deleted`);
}
