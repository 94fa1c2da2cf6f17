import type { KvKey } from "./kv_store.ts";

/** A list that a component was given, be it empty. */
export interface ListFact {
  /** Whose it is. */
  readonly component: string;
  /** As in `pods.v1.core`. */
  readonly gvr: string;
  /** Only this namespace was given; empty: all. */
  readonly namespace: string;
}

/**
 * Lists that components were given through the API. That one is empty is known by this alone: no key
 * stands for it.
 */
export class ListFacts {
  /** Namespaces by component and gvr. */
  readonly #given = new Map<string, Map<string, Set<string>>>();

  /** Whose lists are known. */
  get components(): Iterable<string> {
    return this.#given.keys();
  }

  /**
   * Tells whether this very list was given.
   *
   * @param fact which
   */
  has({ component, gvr, namespace }: ListFact): boolean {
    return this.#given.get(component)?.get(gvr)?.has(namespace) ?? false;
  }

  /**
   * Tells whether something is known of a list: what was given as a whole is known of each of its
   * namespaces, and what was given of one is known of the whole.
   *
   * @param fact which
   */
  covers({ component, gvr, namespace }: ListFact): boolean {
    const given = this.#given.get(component)?.get(gvr);
    return given !== undefined && (namespace === "" || given.has("") || given.has(namespace));
  }

  /**
   * The resources of which a component was given a list.
   *
   * @param component whose
   */
  resourcesOf(component: string): string[] {
    return [...this.#given.get(component)?.keys() ?? []];
  }

  /**
   * All lists that a component was given.
   *
   * @param component whose
   */
  of(component: string): ListFact[] {
    return [...this.#given.get(component) ?? []].flatMap(([gvr, namespaces]) =>
      Array.from(namespaces, (namespace) => ({ component, gvr, namespace }))
    );
  }

  /** Notes a list; whoever does has written it down. */
  add({ component, gvr, namespace }: ListFact): void {
    const lists = this.#given.get(component) ?? new Map<string, Set<string>>();
    this.#given.set(component, lists);
    lists.set(gvr, (lists.get(gvr) ?? new Set()).add(namespace));
  }

  /** Forgets all lists of a component; whoever does has removed them. */
  delete(component: string): void {
    this.#given.delete(component);
  }
}

/**
 * Where a list is written down.
 *
 * @param fact which
 */
export function listKey({ component, gvr, namespace }: ListFact): KvKey {
  return ["list", component, gvr, namespace];
}
