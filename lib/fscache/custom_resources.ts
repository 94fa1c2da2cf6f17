import type { CustomResource, Gvr } from "../k8s/mod.ts";

/**
 * Names a resource without its version, as its CustomResourceDefinition does.
 *
 * @param gvr the resource
 * @returns for example `sensors.devices.example.com`
 */
export function nameOfResource({ group, resource }: Gvr): string {
  return `${resource}.${group}`;
}

/**
 * What is known of the custom resources in an fs cache. The caller keeps it from one scan of a root
 * to the next, so that a scan of one group goes by what the last scan of all of them found.
 */
export class CustomResources {
  readonly #settled = new Map<string, CustomResource>();
  readonly #strangers = new Set<string>();
  #untold: string[] = [];

  /**
   * Says what the last scan of everything found.
   *
   * @param gvr a custom resource
   * @returns what it is, as far as that is known
   */
  get(gvr: Gvr): CustomResource | undefined {
    return this.#settled.get(nameOfResource(gvr));
  }

  /**
   * Records what a scan of everything found; all else is forgotten.
   *
   * @param found by what {@linkcode nameOfResource} says
   */
  settle(found: ReadonlyMap<string, CustomResource>): void {
    this.#settled.clear();
    for (const [name, resource] of found) this.#settled.set(name, resource);
  }

  /**
   * Notes a group that has a name as Kubernetes' own have, but is none that is known.
   *
   * @param group the API group
   */
  addStranger(group: string): void {
    if (this.#strangers.has(group)) return;
    this.#strangers.add(group);
    this.#untold.push(group);
  }

  /**
   * Hands over those groups that were not handed over before.
   *
   * @returns their names
   */
  takeStrangers(): string[] {
    const taken = this.#untold;
    this.#untold = [];
    return taken;
  }
}
