import type { KeyChange } from "../etcd_ledger.ts";
import { isLookedAt } from "../flags.ts";
import type { HeldFile } from "../node_model.ts";
import { broken, type Checker, type Lineage, type Operation, type Write } from "../world.ts";

/**
 * Invariant 2: a key is deleted only when its last owner on this node lets go. The owners are
 * taken from the files themselves, whichever groups a pass is about, and from what tools were told of
 * their API calls.
 */
export class LastOwner implements Checker {
  readonly name = "2 last owner";
  readonly #retired = new Set<Lineage>();

  operationBegins({ kind, lineage }: Operation): void {
    if (kind === "retire") this.#retired.add(lineage);
  }

  etcdChanged(changes: readonly KeyChange[], write: Write): void {
    if (write.by !== "agent" || write.operation.kind === "retire") return;
    const { lineage, operation } = write;
    const { kind } = operation;
    const scanned = kind === "reconcile" || kind === "adopt" || kind === "group-pass";
    for (const { key, after } of changes) {
      if (after || !key.startsWith("/registry/")) continue;
      const recorded = lineage.disk.row(key)?.owners ?? [];
      const known = recorded.some(({ component, fromApi }) =>
        component !== operation.component && !fromApi
      );
      // What an operation without a scan has not been told of, it can't know.
      const isRecorded = (file: HeldFile) =>
        recorded.some(({ component, gvr, older }) =>
          component === file.component && gvr === file.gvr && older === file.older
        );
      const isSeen = (component: string, gvr: string) =>
        isLookedAt(operation.flags, component, gvr);
      const held = scanned
        ? lineage.node.heldSince(key, operation.startTick, isRecorded, isSeen)
        : known;
      // What retire let go of is deleted again after a restore, until a scan takes it up anew.
      const letGo = lineage.disk.row(key)?.owners.length === 0 && this.#retired.has(lineage);
      if (held && !letGo) {
        broken(this, `${lineage.name} deletes ${key}, which a file still stands for`);
      }
      for (const [list, { keys, sure }] of lineage.apiLists) {
        const [component] = list.split(" ");
        if (component === operation.component || !sure || !keys.has(key)) continue;
        // One that went missing in etcd meanwhile can't be put again; the agent dropped it.
        if (!recorded.some((owner) => owner.component === component)) continue;
        broken(this, `${lineage.name} deletes ${key}, which ${list} still holds`);
      }
    }
  }
}
