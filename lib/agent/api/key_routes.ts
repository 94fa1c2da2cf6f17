import { objectKey } from "../../k8s/mod.ts";
import type { Node } from "../node.ts";
import { ref } from "../schemas.ts";
import { objectOf, PLACE_ERRORS } from "./places.ts";
import { type Call, jsonRoute } from "./route.ts";

/**
 * Tells under which key etcd has an object, so that no client repeats the table of resources.
 *
 * @param node the node
 */
export function keyRoutes(node: Node) {
  const told = {
    schema: ref("ObjectKey"),
    description: "Whether or not there is such an object.",
    errors: PLACE_ERRORS,
    answer: async (call: Call) => {
      const { gvr, ...object } = objectOf(call);
      const prefix = await node.look((cache) => cache.identity.prefix);
      return { key: objectKey(prefix, gvr, object), ...object };
    },
  };
  return [
    jsonRoute({
      method: "GET",
      path: "/v1/keys/{gvr}/namespaces/{namespace}/objects/{name}",
      id: "getNamespacedKey",
      summary: "The key in etcd of an object that is in a namespace.",
      ...told,
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/keys/{gvr}/objects/{name}",
      places: { gvr: "nodes.v1.core", name: "edge-7" },
      id: "getKey",
      summary: "The key in etcd of an object that is in no namespace.",
      ...told,
    }),
  ];
}
