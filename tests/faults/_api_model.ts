import type { Dice } from "../conformance/dice.ts";
import { objectBytes, type ObjectOptions } from "../e2e/_node.ts";

/** Components that have no directory in the fs cache. */
export const COMPONENTS = ["app", "web"] as const;
/** The resource that they hold objects of. */
export const GVR = "configmaps.v1.core";

/** Operations of the store API that write. */
export const OPERATIONS = ["create", "update", "delete", "replace", "delete-component"] as const;
/** One of them. */
export type Operation = typeof OPERATIONS[number];

/** What etcd holds of an object, and for whom. */
interface Held {
  readonly rv: number;
  readonly owners: readonly string[];
}

/** Objects by `<namespace>/<name>`. */
export type State = ReadonlyMap<string, Held>;

/** One request, and what there must be once it is done. */
export interface Step {
  readonly operation: Operation;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly after: State;
}

const NAMESPACES = ["default", "shop"] as const;
const NAMES = NAMESPACES.flatMap((namespace) =>
  Array.from({ length: 10 }, (_, index) => `${namespace}/o${index}`)
);
/** A list that replaces another; some names are always left to be created. */
const MAX_LIST = 6;

/** What an object says in one version: the same, whoever holds it. */
export function contentOf(rv: number): ObjectOptions {
  return { rv, more: { data: { text: "x".repeat((rv * 7) % 500) } } };
}

/** Thinks of requests that are to succeed. With none of the agent's own code. */
export class ApiModel {
  readonly #dice: Dice;
  #rv = 100;

  /** @param dice what is asked for */
  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /**
   * A request that changes something in etcd.
   *
   * @param state what is there
   * @param operation what is asked for; a list is replaced if there is nothing that it could be about
   */
  step(state: State, operation: Operation): Step {
    const dice = this.#dice;
    const [vacant] = dice.shuffle(NAMES.filter((name) => !state.has(name)));
    const [alone] = dice.shuffle([...state].filter(([, { owners }]) => isAlone(owners)));
    const component = alone?.[1].owners[0] ?? dice.pick(COMPONENTS);
    const name = operation === "create" ? vacant : alone?.[0];
    if (name === undefined) return this.replace(state, component);
    switch (operation) {
      case "create":
        return this.#put(operation, "POST", component, name, state);
      case "update":
        return this.#put(operation, "PUT", component, name, state);
      case "delete": {
        const after = without(state, component, (other) => other === name);
        return { operation, method: "DELETE", path: objectPath(component, name), after };
      }
      case "replace":
        return this.replace(state, component);
      case "delete-component": {
        const after = without(state, component, () => true);
        return { operation, method: "DELETE", path: `/v1/components/${component}`, after };
      }
    }
  }

  /** Replaces a component's list, or what it has in one namespace, by one that is not empty. */
  replace(state: State, component: string): Step {
    const dice = this.#dice;
    const namespace = dice.chance(40) ? dice.pick(NAMESPACES) : undefined;
    const isIn = (name: string) => namespace === undefined || name.startsWith(`${namespace}/`);
    const listed = dice.shuffle(NAMES.filter(isIn)).slice(0, 1 + dice.below(MAX_LIST));
    const after = without(state, component, (name) => isIn(name) && !listed.includes(name));
    for (const [index, name] of listed.entries()) {
      // One at the least is new, or newer than what is there.
      const same = index > 0 && dice.chance(50) ? state.get(name)?.rv : undefined;
      const owners = new Set([...state.get(name)?.owners ?? [], component]);
      after.set(name, { rv: same ?? ++this.#rv, owners: [...owners] });
    }
    const items = listed.map((name) => textOf(name, after));
    const query = namespace === undefined ? "" : `?namespace=${namespace}`;
    return {
      operation: "replace",
      method: "PUT",
      path: `/v1/components/${component}/resources/${GVR}${query}`,
      body: `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[${items.join()}]}`,
      after,
    };
  }

  #put(
    operation: Operation,
    method: string,
    component: string,
    name: string,
    state: State,
  ): Step {
    const owners = state.get(name)?.owners ?? [component];
    const after = new Map(state).set(name, { rv: ++this.#rv, owners });
    return {
      operation,
      method,
      path: objectPath(component, name),
      body: textOf(name, after),
      after,
    };
  }
}

/** One component of the API's holds it, and nobody else. */
function isAlone(owners: readonly string[]): boolean {
  return owners.length === 1 && COMPONENTS.some((component) => component === owners[0]);
}

/** What is there once a component has let go; what others hold stays as it is. */
function without(
  state: State,
  component: string,
  isGone: (name: string) => boolean,
): Map<string, Held> {
  const after = new Map<string, Held>();
  for (const [name, { rv, owners }] of state) {
    const left = isGone(name) ? owners.filter((owner) => owner !== component) : owners;
    if (left.length > 0) after.set(name, { rv, owners: left });
  }
  return after;
}

function objectPath(component: string, name: string): string {
  const [namespace, object] = name.split("/");
  return `/v1/components/${component}/resources/${GVR}/namespaces/${namespace}/objects/${object}`;
}

function textOf(name: string, state: State): string {
  const content = contentOf(state.get(name)?.rv ?? 0);
  return new TextDecoder().decode(objectBytes(`any/${GVR}/${name}`, content));
}
