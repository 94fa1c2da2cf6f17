import type { VacantSpan } from "../etcd/mod.ts";
import type { StoreContext } from "./context.ts";
import { ABSENT } from "./decide.ts";
import { observe } from "./observe.ts";
import type { PlannedOp } from "./pack.ts";

/** What of a batch is still to be done. */
export interface Portion {
  /** The operations that are. */
  readonly batch: readonly PlannedOp[];
  /** Keys that were to be created, and that another has put meanwhile. */
  readonly taken: readonly string[];
  /** Spans between its new keys in which etcd holds nothing. */
  readonly vacant: readonly VacantSpan[];
}

/**
 * Where all batches bring back keys that etcd has lost, they are begun with any of them: nodes that
 * fill one empty etcd do not all send the same batch.
 *
 * @param batches in the order in which they were packed
 * @param random makes random hexadecimal digits
 */
export function begunAnywhere(
  batches: readonly (readonly PlannedOp[])[],
  random: () => string,
): readonly (readonly PlannedOp[])[] {
  const isRefill = batches.every((batch) => batch.every((op) => isCreate(op) && op.before));
  if (batches.length < 2 || !isRefill) return batches;
  const first = Number.parseInt(random().slice(0, 8), 16) % batches.length;
  return [...batches.slice(first), ...batches.slice(0, first)];
}

/**
 * Looks, keys only, at the keys that a batch is to create: while the ones before it were sent,
 * another node of the pool may have put some of them.
 *
 * @param context both sides
 * @param batch what was planned
 * @returns undefined if the fence is not where it is expected, so that recovery comes first
 * @throws {EtcdError} if etcd fails
 */
export async function stillToDo(
  context: StoreContext,
  batch: readonly PlannedOp[],
): Promise<Portion | undefined> {
  const created = batch.filter(isCreate).map(({ key }) => key);
  if (created.length === 0) return { batch, taken: [], vacant: [] };
  const { fence, mods, vacant } = await observe(context, created);
  if (fence !== context.cache.fence.expected) return undefined;
  const taken = created.filter((key) => mods.has(key));
  if (taken.length === 0) return { batch, taken, vacant };
  const gone = new Set(taken);
  return { batch: batch.filter(({ key }) => !gone.has(key)), taken, vacant };
}

function isCreate({ action, guardMod }: PlannedOp): boolean {
  return action === "put" && guardMod === ABSENT;
}
