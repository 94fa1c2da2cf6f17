import { formatGvr, nameInKey } from "../../k8s/mod.ts";
import type { ComponentKeyCache } from "../../keycache/mod.ts";
import { deleteComponentResources, keysOfList } from "../../store/mod.ts";
import { checkKnown, knownNames } from "../known_component.ts";
import { listedResources } from "../known_lists.ts";
import { checkHeld } from "../known_resource.ts";
import type { Node } from "../node.ts";
import { componentsOf } from "../status.ts";
import {
  COMPONENT,
  componentOf,
  COMPONENTS,
  listPlaceOf,
  NAMESPACE,
  PLACE_ERRORS,
  RESOURCE,
} from "./places.ts";
import { ref } from "../schemas.ts";
import { jsonRoute } from "./route.ts";
import { storeWriter, WRITE_ERRORS, WRITTEN } from "./store_write.ts";

const NO_NAME = { namespace: "", name: "" };

/**
 * What the components of a node hold, and letting one go.
 *
 * @param node the one writer
 */
export function componentRoutes(node: Node) {
  const { source } = node.reconcileOptions;
  const write = storeWriter(node);
  /** All that hold keys, did once, or stand in the fs cache. */
  const namesKnown = ({ components }: ComponentKeyCache): string[] =>
    knownNames(components, source);
  return [
    jsonRoute({
      method: "GET",
      path: COMPONENTS,
      id: "listComponents",
      summary: "Components, and how many keys each holds.",
      query: [{
        name: "known",
        kind: "boolean",
        description: "Also those that hold no key: they did once, or the fs cache has them.",
      }],
      schema: ref("Components"),
      description: "By name.",
      async answer({ query }) {
        const holding = await node.look(componentsOf);
        if (query.get("known") !== "true") return holding;
        const idle = new Set(await node.look(namesKnown));
        for (const { component } of holding) idle.delete(component);
        return [...holding, ...Array.from(idle, (component) => ({ component, resources: [] }))]
          .sort((a, b) => (a.component < b.component ? -1 : 1));
      },
    }),
    jsonRoute({
      method: "DELETE",
      path: COMPONENT,
      id: "deleteComponent",
      summary: "Let a component go that the fs cache does not have: in one Txn, or, if it fits " +
        "none, in several (staged).",
      ...WRITTEN,
      errors: [...WRITE_ERRORS, "NotFound", "TooLarge"],
      long: true,
      async answer(call) {
        const component = componentOf(call);
        return await write({ component }, call, async (context, options) => {
          checkKnown(component, namesKnown(context.cache));
          return await deleteComponentResources(context, component, {
            ...options,
            requireSingleTxn: false,
          });
        });
      },
    }),
    jsonRoute({
      method: "GET",
      path: `${COMPONENT}/resources` as const,
      id: "listResources",
      summary: "Resources of a component, and how many keys it holds of each: 0 of an empty list.",
      schema: ref("Resources"),
      description: "By name.",
      errors: [...PLACE_ERRORS, "NotFound"],
      async answer(call) {
        const component = componentOf(call);
        return await node.look((cache) => {
          checkKnown(component, namesKnown(cache));
          const holding = componentsOf(cache).find((one) => one.component === component);
          const resources = holding?.resources ?? [];
          const held = new Set(resources.map(({ gvr }) => gvr));
          const empty = new Set(listedResources(component, cache, source)).difference(held);
          return [...resources, ...Array.from(empty, (gvr) => ({ gvr, keys: 0 }))]
            .sort((a, b) => (a.gvr < b.gvr ? -1 : 1));
        });
      },
    }),
    jsonRoute({
      method: "GET",
      path: `${RESOURCE}/keys` as const,
      id: "listResourceKeys",
      summary: "Object keys that a component holds of a resource.",
      query: [NAMESPACE],
      schema: ref("ObjectKeys"),
      description: "In order.",
      errors: [...PLACE_ERRORS, "NotFound"],
      answer(call) {
        const place = listPlaceOf(call);
        return node.look((cache) => {
          const keys = keysOfList(cache, place);
          const { component, gvr } = place;
          const isListed = listedResources(component, cache, source).includes(formatGvr(gvr));
          if (keys.length === 0 && !isListed) {
            checkHeld({ component, gvr: formatGvr(gvr) }, cache, source);
          }
          return keys.map((key) => {
            const { namespace, name } = nameInKey(cache.identity.prefix, gvr, key) ?? NO_NAME;
            return { key, namespace, name };
          });
        });
      },
    }),
  ];
}
