import { splitObjectList } from "../../k8s/mod.ts";
import {
  createObject,
  deleteObject,
  getObject,
  listObjects,
  replaceComponentList,
  updateObject,
} from "../../store/mod.ts";
import type { Node } from "../node.ts";
import { ref } from "../schemas.ts";
import { writeObjectList } from "./object_list.ts";
import { listPlaceOf, objectPlaceOf, PLACE_ERRORS, RESOURCE } from "./places.ts";
import { checkSecrets } from "./secrets_left_out.ts";
import { type BodyDescription, jsonRoute, type QueryParameter, type Route } from "./route.ts";
import { READ_ERRORS, storeWriter, WRITE_ERRORS, WRITTEN } from "./store_write.ts";

const NAMESPACED = `${RESOURCE}/namespaces/{namespace}/objects/{name}`;
const CLUSTER_SCOPED = `${RESOURCE}/objects/{name}`;

const NAMESPACE: QueryParameter = {
  name: "namespace",
  kind: "text",
  description: "Only this namespace; without it all.",
};
const OBJECT: BodyDescription = { description: "The object.", schema: ref("Object") };
const PROTOBUF = "application/vnd.kubernetes.protobuf";
const STORED: BodyDescription = {
  description: "The object as etcd has it; protobuf if an apiserver wrote it.",
  schema: ref("Object"),
  also: { [PROTOBUF]: {} },
};
const LIST: BodyDescription = { description: "The list.", schema: ref("ObjectList") };

/**
 * Objects and lists in the store, under `/v1/components`.
 *
 * @param node the one writer
 */
export function storeRoutes(node: Node): Route[] {
  const write = storeWriter(node);
  const objectRoutes = (path: string, scope: string): Route[] => [
    jsonRoute({
      method: "POST",
      path,
      id: `create${scope}Object`,
      summary: "Create an object where there is none yet.",
      body: OBJECT,
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
      id: `get${scope}Object`,
      summary: "Read an object that the component holds, from etcd.",
      answers: { 200: STORED },
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
      id: `update${scope}Object`,
      summary: "Update an object, if its resourceVersion is fresher.",
      body: OBJECT,
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
      summary: "Read a component's list from etcd, at one revision.",
      query: [NAMESPACE],
      answers: { 200: LIST },
      errors: [...READ_ERRORS, ...PLACE_ERRORS, "TooLarge"],
      async answer(call) {
        const place = listPlaceOf(call);
        const list = await node.submit((context) => listObjects(context, place), call.signal);
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
    ...objectRoutes(NAMESPACED, "Namespaced"),
    ...objectRoutes(CLUSTER_SCOPED, ""),
  ];
}

/** An apiserver writes built-in kinds as protobuf behind the four bytes `k8s\0`. */
function mediaTypeOf(value: Uint8Array): string {
  const isProtobuf = String.fromCharCode(...value.subarray(0, 4)) === "k8s\0";
  return isProtobuf ? PROTOBUF : "application/json";
}
