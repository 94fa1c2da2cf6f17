import { EdgekeydError } from "../../lib/errors.ts";
import { ComponentClashError } from "../../lib/fscache/mod.ts";
import { formatGvr, type Gvr, parseGvr } from "../../lib/k8s/mod.ts";
import { namesInRoot } from "../../lib/fscache/mod.ts";
import { fileValues, takeOverKeys } from "../../lib/reconcile/mod.ts";
import {
  type ApplyResult,
  createObject,
  deleteComponentResources,
  deleteObject,
  deleteUnclaimedKeys,
  expectDone,
  replaceComponentList,
  type StoreContext,
  updateObject,
} from "../../lib/store/mod.ts";
import { keyOfPlace, objectBytes } from "./cloud.ts";
import type { Daemon } from "./daemon.ts";
import type { Mutation } from "./mutation.ts";
import { type Order, placesOf } from "./orders.ts";
import { ROOT } from "./node_model.ts";
import type { Lineage, World } from "./world.ts";

type Write = (context: StoreContext) => Promise<ApplyResult>;

/** Asks daemons for what only their API offers, as its routes do. */
export class Requests {
  readonly #world: World;
  readonly #mutation: Mutation | undefined;

  /**
   * @param world where
   * @param mutation changes what is asked for
   */
  constructor(world: World, mutation: Mutation | undefined) {
    this.#world = world;
    this.#mutation = mutation;
  }

  /**
   * Asks for something.
   *
   * @param daemon whom
   * @param lineage whose daemon that is
   * @param order what for
   * @returns what it was answered with, if that was a failure
   */
  async ask(daemon: Daemon, lineage: Lineage, order: Order): Promise<Error | undefined> {
    const { component = "" } = order;
    switch (order.kind) {
      case "take-over":
        return await daemon.ask(order, (noted, signal) => {
          const recorded = [...order.keys ?? []].map((key) => ({
            component,
            gvr: order.gvr ?? "",
            key,
          }));
          return daemon.agent.takeOver(
            { operation: order.kind },
            (context) => noted(() => takeOverKeys(context, recorded)),
            signal,
          );
        });
      case "delete-unclaimed":
        return await this.#write(daemon, order, (context) => {
          return deleteUnclaimedKeys(context, [...order.keys ?? []], optionsOf(daemon, context));
        });
      case "delete-component":
        return await this.#write(daemon, order, (context) => {
          return deleteComponentResources(context, component, {
            ...optionsOf(daemon, context),
            requireSingleTxn: order.requireSingleTxn,
          });
        });
      case "replace-list":
        return await this.#replace(daemon, lineage, order);
      case "create-object":
      case "update-object":
      case "delete-object":
        return await this.#object(daemon, lineage, order);
      default:
        throw new Error(`nobody asks a daemon for ${order.kind}`);
    }
  }

  /** Has a write done, for a component that the fs cache does not have. */
  #write(daemon: Daemon, order: Order, work: Write): Promise<Error | undefined> {
    const { component, kind } = order;
    const { source } = daemon.agent.reconcileOptions;
    return daemon.ask(
      order,
      (noted, signal) =>
        daemon.agent.write(
          { operation: kind, ...(component && { component }) },
          (context) =>
            noted(async () => {
              if (component && namesInRoot(source.fs, source.root).has(component)) {
                throw new ComponentClashError(source.root, component);
              }
              const applied = await work(context);
              expectDone(context, applied);
              return applied;
            }),
          signal,
        ),
    );
  }

  async #object(daemon: Daemon, lineage: Lineage, order: Order): Promise<Error | undefined> {
    const { place, component = "", version } = order;
    if (!place || !version) throw new Error("an operation on an object needs its place");
    const { resource, namespace, name } = place;
    const gvr = gvrOf(resource.gvr);
    const key = keyOfPlace(place);
    const bytes = objectBytes(place, version, 10);
    lineage.node.noteHeld(key, bytes);
    const scope = `${component} ${resource.gvr} ${namespace} ${name}`;
    lineage.apiLists.set(scope, { keys: new Set(), sure: false });
    const at = { component, gvr, namespace, name };
    const failure = await this.#write(daemon, order, (context) => {
      const options = optionsOf(daemon, context);
      if (order.kind === "create-object") return createObject(context, at, bytes, options);
      if (order.kind === "update-object") return updateObject(context, at, bytes, options);
      return deleteObject(context, at, options);
    });
    const keys = new Set(order.kind === "delete-object" ? [] : [key]);
    if (!failure) lineage.apiLists.set(scope, { keys, sure: true });
    return failure;
  }

  async #replace(daemon: Daemon, lineage: Lineage, order: Order): Promise<Error | undefined> {
    const { list, component = "", requireSingleTxn } = order;
    if (!list) throw new Error("a replace needs a list");
    const { resource, namespace } = list;
    const places = placesOf(list);
    const objects = places.map((place) => {
      const key = keyOfPlace(place);
      const bytes = objectBytes(place, this.#world.cloud.latest(key), 10);
      lineage.node.noteHeld(key, bytes);
      return bytes;
    });
    const keys = order.keys ?? new Set();
    const { apiLists } = lineage;
    const scope = `${component} ${resource.gvr} ${namespace ?? "*"}`;
    const overlapping = [...apiLists.keys()].filter((other) =>
      other.startsWith(`${component} ${resource.gvr} `)
    );
    for (const other of [...overlapping, scope]) {
      apiLists.set(other, { keys: new Set(), sure: false });
    }
    const content = { component, gvr: gvrOf(resource.gvr), namespace, objects };
    const failure = await this.#write(
      daemon,
      order,
      (context) =>
        replaceComponentList(context, this.#mutation?.list?.(content) ?? content, {
          ...optionsOf(daemon, context),
          requireSingleTxn,
        }),
    );
    if (!failure) {
      if (namespace === undefined) { for (const other of overlapping) apiLists.delete(other); }
      apiLists.set(scope, { keys, sure: true });
    }
    return failure;
  }
}

function optionsOf({ agent }: Daemon, { cache }: StoreContext) {
  const { policy, source } = agent.reconcileOptions;
  return {
    rules: { policy, adopting: cache.fence.adopting },
    bytesOf: fileValues(ROOT, source.fs, cache, undefined),
  };
}

function gvrOf(text: string): Gvr {
  const gvr = parseGvr(text);
  if (!gvr || formatGvr(gvr) !== text) throw new EdgekeydError("Internal", `no gvr: ${text}`);
  return gvr;
}
