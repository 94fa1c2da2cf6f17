import type { KeyChange } from "../etcd_ledger.ts";
import { ownerName } from "../node_model.ts";
import { broken, type Checker, type Write } from "../world.ts";

/** An absence counts only once it has lasted: no scan deletes a key whose file went just now. */
export class ShortAbsence implements Checker {
  readonly name = "short absence";
  readonly #settleMs: number;

  /** @param settleMs how long an absence has to last before it counts */
  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  etcdChanged(changes: readonly KeyChange[], write: Write): void {
    // What was on its way for long was decided then.
    if (write.by !== "agent" || write.sentTick !== write.tick) return;
    const { lineage, operation: { kind } } = write;
    if (kind !== "reconcile" && kind !== "adopt" && kind !== "group-pass") return;
    for (const { key, after } of changes) {
      if (after || !key.startsWith("/registry/")) continue;
      const owners = lineage.disk.row(key)?.owners ?? [];
      const went = lineage.node.goneJustNow(
        key,
        this.#settleMs,
        (name) =>
          owners.some(({ component, gvr, older }) => ownerName(component, gvr, older) === name),
      );
      if (went !== undefined) {
        broken(this, `${lineage.name} deletes ${key} just after ${went} went`);
      }
    }
  }
}
