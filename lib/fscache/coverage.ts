import type { ExcludedResources } from "./excluded_resources.ts";
import { groupOf, isMetadataOnly, parsePath } from "./layout.ts";

/** Which part of the cache a scan looks at; without any option, all of it. */
export interface CoverageOptions {
  /** Only these components. */
  readonly components?: ReadonlySet<string> | undefined;
  /** Not these resources. */
  readonly excludeResources?: ExcludedResources | undefined;
  /** Only these groups, as `component/directory`. */
  readonly groups?: ReadonlySet<string> | undefined;
  /** Also these files, by canonical path, whatever the other options leave out. */
  readonly besides?: ReadonlySet<string> | undefined;
}

/** The part of the cache that a scan looks at. */
export class Coverage {
  readonly #options: CoverageOptions;
  readonly #componentsOfGroups: ReadonlySet<string> | undefined;
  /** The files of `besides` and all directories on the way to them. */
  readonly #besides = new Set<string>();
  readonly #limits = new Map<string, ReadonlySet<string> | "all">();

  /** @param options what to look at */
  constructor(options: CoverageOptions) {
    this.#options = options;
    if (options.groups !== undefined) {
      this.#componentsOfGroups = new Set(
        Array.from(options.groups, (group) => group.slice(0, group.indexOf("/"))),
      );
    }
    for (const path of options.besides ?? []) {
      for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
        this.#besides.add(path.slice(0, end));
      }
    }
  }

  /**
   * Tells whether any part of a component is looked at.
   *
   * @param component its name
   * @returns true if so
   */
  component(component: string): boolean {
    return this.#holds(component) || this.#besides.has(component);
  }

  /**
   * Tells whether any part of a directory below a component is looked at.
   *
   * @param component its component
   * @param directory its canonical name
   * @returns true if so
   */
  directory(component: string, directory: string): boolean {
    return this.#holdsAll(component, directory) || this.#besides.has(`${component}/${directory}`);
  }

  /**
   * Tells which paths of a directory below a component are looked at.
   *
   * @param component its component
   * @param directory its canonical name
   * @returns holds canonical paths; undefined if it is all of them
   */
  limit(component: string, directory: string): ReadonlySet<string> | undefined {
    return this.#holdsAll(component, directory) ? undefined : this.#besides;
  }

  /**
   * Tells whether a path is looked at.
   *
   * @param path anything
   * @returns false for what can't be the canonical path of an object, too
   */
  covers(path: string): boolean {
    const group = groupOf(path);
    let limit = this.#limits.get(group);
    if (limit === undefined) {
      const slash = group.indexOf("/");
      limit = this.limit(group.slice(0, slash), group.slice(slash + 1)) ?? "all";
      this.#limits.set(group, limit);
    }
    return (limit === "all" || limit.has(path)) && parsePath(path) !== undefined;
  }

  #holds(component: string): boolean {
    return (this.#options.components?.has(component) ?? true) &&
      (this.#componentsOfGroups?.has(component) ?? true);
  }

  #holdsAll(component: string, directory: string): boolean {
    return this.#holds(component) && !isMetadataOnly(directory) &&
      (this.#options.groups?.has(`${component}/${directory}`) ?? true) &&
      !(this.#options.excludeResources?.hasDirectory(directory) ?? false);
  }
}
