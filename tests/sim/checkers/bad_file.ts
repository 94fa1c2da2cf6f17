import { broken, type Checker, type World } from "../world.ts";

/**
 * Invariant 7: a bad file, or a listing that can't be trusted, costs its own objects' update at
 * most: its keys are kept, and everything else goes on. That its keys are kept is "last owner" 's
 * to see; here it is that everything else went on.
 */
export class BadFile implements Checker {
  readonly name = "7 bad file";
  readonly #world: () => World;

  constructor(world: () => World) {
    this.#world = world;
  }

  atRest(): void {
    const { etcd, lineages } = this.#world();
    const current = etcd.current();
    for (const { name, live, node, disk } of lineages) {
      if (!live) continue;
      const bad = new Set(node.files().filter((file) => !file.version).map((file) => file.key));
      if (bad.size === 0) continue;
      for (const { key, version, component } of node.files()) {
        if (!version || bad.has(key)) continue;
        // Of files in both layouts the fresher one counts.
        const owner = disk.row(key)?.owners.find((one) =>
          one.component === component &&
          BigInt(one.resourceVersion) >= BigInt(version.resourceVersion)
        );
        if (!owner) broken(this, `${name} did not take up ${key} of ${component}`);
        if (!current.has(key)) broken(this, `${name} did not put ${key}`);
      }
    }
  }
}
