import { isLookedAt } from "../flags.ts";
import { ownerName } from "../node_model.ts";
import { broken, type Checker, type Operation, type World } from "../world.ts";

/**
 * A full pass that ends well has taken up every file that held still meanwhile, whatever else of the
 * same key it holds back or leaves to others.
 */
export class TakenUp implements Checker {
  readonly name = "taken up";
  readonly #world: () => World;

  constructor(world: () => World) {
    this.#world = world;
  }

  operationEnded({ kind, lineage, startTick, flags }: Operation, failure: Error | undefined): void {
    if (failure || (kind !== "reconcile" && kind !== "adopt")) return;
    const { name, node, disk } = lineage;
    if (this.#world().replacedTick >= startTick) return;
    for (const { key, component, gvr, older, version } of node.files()) {
      if (!version || !isLookedAt(flags, component, gvr)) continue;
      const { resourceVersion } = version;
      const file = ownerName(component, gvr, older);
      if (!node.steadyFile(key, file, resourceVersion, startTick)) continue;
      const owner = disk.row(key)?.owners.find((one) =>
        one.component === component && one.gvr === gvr
      );
      if (!owner) broken(this, `${name} did not take up ${key} of ${component}`);
    }
  }
}
