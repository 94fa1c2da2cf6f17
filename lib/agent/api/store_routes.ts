import { splitObjectList } from "../../k8s/mod.ts";
import {
  createObject,
  deleteObject,
  getObject,
  listObjects,
  replaceComponentList,
  updateObject,
} from "../../store/mod.ts";
import { clusterNode, configMap } from "../examples.ts";
import { checkListed } from "../known_lists.ts";
import type { Node } from "../node.ts";
import { ref } from "../schemas.ts";
import { writeObjectList } from "./object_list.ts";
import { listPlaceOf, NAMESPACE, objectPlaceOf, PLACE_ERRORS, RESOURCE } from "./places.ts";
import { checkSecrets } from "./secrets_left_out.ts";
import { type BodyDescription, jsonRoute, type Route } from "./route.ts";
import { READ_ERRORS, storeWriter, WRITE_ERRORS, WRITTEN } from "./store_write.ts";

const NAMESPACED = `${RESOURCE}/namespaces/{namespace}/objects/{name}`;
const CLUSTER_SCOPED = `${RESOURCE}/objects/{name}`;

const OBJECT: BodyDescription = { description: "The object.", schema: ref("Object") };
const PROTOBUF = "application/vnd.kubernetes.protobuf";
const STORED: BodyDescription = {
  description: "The object as etcd has it; protobuf if an apiserver wrote it.",
  schema: ref("Object"),
  also: { [PROTOBUF]: {} },
};
const LIST: BodyDescription = { description: "The list.", schema: ref("ObjectList") };

/** What stands in the document's examples of requests for one object. */
interface ExampleKind extends Required<Pick<Route, "places">> {
  readonly object: (resourceVersion: string) => object;
}

/**
 * Objects and lists in the store, under `/v1/components`.
 *
 * @param node the one writer
 */
export function storeRoutes(node: Node): Route[] {
  const write = storeWriter(node);
  const { source } = node.reconcileOptions;
  const objectRoutes = (path: string, scope: string, kind: ExampleKind): Route[] => [
    jsonRoute({
      method: "POST",
      path,
      places: kind.places,
      id: `create${scope}Object`,
      summary:
        "Create an object that the component does not hold yet, or join those that hold it: " +
        "then it is put if its resourceVersion is fresher.",
      body: { ...OBJECT, example: kind.object("4711") },
      ...WRITTEN,
      status: 201,
      errors: [...WRITE_ERRORS, "SecretsLeftOut", "InvalidContent", "KeyExists"],
      async answer(call) {
        const place = objectPlaceOf(call);
        checkSecrets(node, place.gvr);
        return await write(
          place,
          call,
          (context, options) => createObject(context, place, call.body, options),
        );
      },
    }),
    {
      method: "GET",
      path,
      places: kind.places,
      id: `get${scope}Object`,
      summary: "Read an object that the component holds, from etcd.",
      answers: { 200: { ...STORED, example: kind.object("4711") } },
      errors: [...READ_ERRORS, ...PLACE_ERRORS, "NotFound"],
      async answer(call) {
        const place = objectPlaceOf(call);
        const value = await node.submit((context) => getObject(context, place), call.signal);
        return { status: 200, body: new Uint8Array(value), type: mediaTypeOf(value) };
      },
    },
    jsonRoute({
      method: "PUT",
      path,
      places: kind.places,
      id: `update${scope}Object`,
      summary:
        "Update an object, if its resourceVersion is fresher than what the component gave, or " +
        "join others that hold it.",
      body: { ...OBJECT, example: kind.object("4712") },
      ...WRITTEN,
      errors: [...WRITE_ERRORS, "SecretsLeftOut", "InvalidContent", "NotFound", "UpdateConflict"],
      async answer(call) {
        const place = objectPlaceOf(call);
        checkSecrets(node, place.gvr);
        return await write(
          place,
          call,
          (context, options) => updateObject(context, place, call.body, options),
        );
      },
    }),
    jsonRoute({
      method: "DELETE",
      path,
      places: kind.places,
      id: `delete${scope}Object`,
      summary: "Let an object go; it is deleted unless somebody else holds it.",
      ...WRITTEN,
      errors: [...WRITE_ERRORS, "NotFound"],
      async answer(call) {
        const place = objectPlaceOf(call);
        return await write(
          place,
          call,
          (context, options) => deleteObject(context, place, options),
        );
      },
    }),
  ];

  return [
    {
      method: "GET",
      path: RESOURCE,
      id: "listObjects",
      summary:
        "Read a component's list from etcd, at one revision. One that was put empty is empty, " +
        "one that never was is not found.",
      query: [NAMESPACE],
      answers: { 200: LIST },
      errors: [...READ_ERRORS, ...PLACE_ERRORS, "NotFound", "TooLarge"],
      async answer(call) {
        const place = listPlaceOf(call);
        const list = await node.submit((context) => {
          checkListed(place, context.cache, source);
          return listObjects(context, place);
        }, call.signal);
        return { status: 200, body: writeObjectList(list, place.gvr), type: "application/json" };
      },
    },
    jsonRoute({
      method: "PUT",
      path: RESOURCE,
      id: "replaceList",
      summary: "Replace a component's list in one Txn; one that fits none is refused (TooLarge) " +
        "before anything is written.",
      query: [NAMESPACE],
      body: LIST,
      ...WRITTEN,
      errors: [...WRITE_ERRORS, "SecretsLeftOut", "InvalidContent"],
      long: true,
      async answer(call) {
        const place = listPlaceOf(call);
        const objects = splitObjectList(call.body, place.gvr);
        // An empty list only lets go.
        if (objects.length > 0) checkSecrets(node, place.gvr);
        return await write(
          { component: place.component },
          call,
          (context, options) =>
            replaceComponentList(context, { ...place, objects }, {
              ...options,
              requireSingleTxn: true,
            }),
        );
      },
    }),
    ...objectRoutes(NAMESPACED, "Namespaced", { object: configMap, places: {} }),
    ...objectRoutes(CLUSTER_SCOPED, "", {
      object: clusterNode,
      places: { gvr: "nodes.v1.core", name: "edge-7" },
    }),
  ];
}

/** An apiserver writes built-in kinds as protobuf behind the four bytes `k8s\0`. */
function mediaTypeOf(value: Uint8Array): string {
  const isProtobuf = String.fromCharCode(...value.subarray(0, 4)) === "k8s\0";
  return isProtobuf ? PROTOBUF : "application/json";
}
