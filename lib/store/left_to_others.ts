import { ABSENT } from "./decide.ts";
import type { PlannedOp } from "./pack.ts";

/**
 * Puts that are left for now, since another node of the pool may be about to make them: etcd does
 * not hold this node's own value there, as far as is known. A new key goes along with what its group
 * puts or deletes in any case, so that a list stays one Txn.
 *
 * @param ops what was planned
 * @param yields tells whether a key's put may be left
 */
export function leftToOthers(
  ops: readonly PlannedOp[],
  yields: (key: string) => boolean,
): Set<PlannedOp> {
  const left = new Set(ops.filter((op) => mayBeOthers(op) && yields(op.key)));
  const atOnce = new Set(ops.filter((op) => !left.has(op)).map(({ group }) => group));
  for (const op of left) if (op.guardMod === ABSENT && atOnce.has(op.group)) left.delete(op);
  return left;
}

function mayBeOthers({ action, before }: PlannedOp): boolean {
  return action === "put" && !(before?.ours && before.mod !== null);
}
