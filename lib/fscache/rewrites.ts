import { groupOf } from "./layout.ts";

/** The components and groups in which a `tmp_` directory stands: yurthub rewrites them. */
export class Rewrites {
  /** Groups, as `component/directory`. */
  readonly groups = new Set<string>();
  readonly #components = new Set<string>();

  /**
   * Notes the backup of a whole component.
   *
   * @param component its name
   */
  addComponent(component: string): void {
    this.#components.add(component);
  }

  /**
   * Notes a backup of a group, or somewhere in it.
   *
   * @param group `component/directory`
   */
  addGroup(group: string): void {
    this.groups.add(group);
  }

  /**
   * Tells whether a backup of a whole component stands.
   *
   * @param component its name
   * @returns true if so
   */
  hasComponent(component: string): boolean {
    return this.#components.has(component);
  }

  /**
   * Tells whether what is missing at a path may only be missing because it is rewritten.
   *
   * @param path canonical path of an object
   * @returns true if so
   */
  has(path: string): boolean {
    const group = groupOf(path);
    return this.groups.has(group) || this.#components.has(group.slice(0, group.indexOf("/")));
  }
}
