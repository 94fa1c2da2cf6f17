import { customResource, namesInRoot } from "../../fscache/mod.ts";
import { isBuiltinGroup, splitObjectList } from "../../k8s/mod.ts";
import type { ComponentKeyCache } from "../../keycache/mod.ts";
import { fileValues } from "../../reconcile/mod.ts";
import {
  type ApplyResult,
  createObject,
  deleteComponentResources,
  deleteObject,
  getObject,
  keysOfList,
  listObjects,
  type ObjectOptions,
  type ObjectPlace,
  replaceComponentList,
  type StoreContext,
  updateObject,
} from "../../store/mod.ts";
import { ComponentClashError } from "../component_clash.ts";
import { checkKnown, knownNames } from "../known_component.ts";
import type { Node } from "../node.ts";
import { componentsOf } from "../status.ts";
import type { AskedWrite } from "../write_log.ts";
import type { ErrorCode } from "../error_codes.ts";
import { writeObjectList } from "./object_list.ts";
import { componentOf, listPlaceOf, objectPlaceOf, PLACE_ERRORS } from "./places.ts";
import {
  type BodyDescription,
  type Call,
  jsonRoute,
  type QueryParameter,
  type Route,
} from "./route.ts";
import { type Answers, ref } from "../schemas.ts";
import { written } from "./written.ts";

const COMPONENTS = "/v1/components";
const COMPONENT = `${COMPONENTS}/{component}`;
const RESOURCE = `${COMPONENT}/resources/{gvr}`;
const NAMESPACED = `${RESOURCE}/namespaces/{namespace}/objects/{name}`;
const CLUSTER_SCOPED = `${RESOURCE}/objects/{name}`;

const NAMESPACE: QueryParameter = {
  name: "namespace",
  kind: "text",
  description: "Only this namespace; without it all.",
};
const KNOWN: QueryParameter = {
  name: "known",
  kind: "boolean",
  description: "Also those that hold no key: they did once, or the fs cache has them.",
};
/** What a write is answered with. */
const WRITTEN = { description: "What was done.", schema: "Written" } as const;
const OBJECT: BodyDescription = { description: "The object.", schema: ref("Object") };
const PROTOBUF = "application/vnd.kubernetes.protobuf";
const STORED: BodyDescription = {
  description: "The object as etcd has it; protobuf if an apiserver wrote it.",
  schema: ref("Object"),
  also: { [PROTOBUF]: {} },
};
const LIST: BodyDescription = { description: "The list.", schema: ref("ObjectList") };
const READ_ERRORS: readonly ErrorCode[] = ["NotReady", "Unknown"];
const WRITE_ERRORS: readonly ErrorCode[] = [...READ_ERRORS, ...PLACE_ERRORS, "ComponentClash"];

/**
 * The store under `/v1/components`.
 *
 * @param node the one writer
 */
export function storeRoutes(node: Node): Route[] {
  const { source, policy } = node.reconcileOptions;
  const optionsOf = ({ cache }: StoreContext): ObjectOptions => ({
    rules: { policy, adopting: cache.fence.adopting },
    bytesOf: fileValues(source.root, source.fs, cache, undefined),
    timed: (_, work) => work,
    customOf: (gvr) => isBuiltinGroup(gvr.group) ? undefined : customResource(source, gvr),
  });
  /** All that hold keys, did once, or stand in the fs cache. */
  const namesKnown = ({ components }: ComponentKeyCache): string[] =>
    knownNames(components, source);
  /** Has a write done by the loop, for a component that the fs cache does not have. */
  const write = async (
    place: Pick<ObjectPlace, "component"> & Partial<ObjectPlace>,
    { id: operation, signal }: Call,
    work: (context: StoreContext, options: ObjectOptions) => Promise<ApplyResult>,
  ): Promise<Answers["Written"]> => {
    const { component } = place;
    const object = objectIn(place);
    const asked = { operation, component, ...(object && { object }) };
    const applied = await node.write(asked, async (context) => {
      if (namesInRoot(source.fs, source.root).has(component)) {
        throw new ComponentClashError(source.root, component);
      }
      return await work(context, optionsOf(context));
    }, signal);
    return written(applied);
  };

  const objectRoutes = (path: string, scope: string): Route[] => [
    jsonRoute({
      method: "POST",
      path,
      id: `create${scope}Object`,
      summary: "Create an object where there is none yet.",
      body: OBJECT,
      ...WRITTEN,
      status: 201,
      errors: [...WRITE_ERRORS, "InvalidContent", "KeyExists"],
      async answer(call) {
        const place = objectPlaceOf(call);
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
      errors: [...WRITE_ERRORS, "InvalidContent", "NotFound", "UpdateConflict"],
      async answer(call) {
        const place = objectPlaceOf(call);
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
    jsonRoute({
      method: "GET",
      path: COMPONENTS,
      id: "listComponents",
      summary: "Components, and how many keys each holds.",
      query: [KNOWN],
      schema: "Components",
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
      path: `${COMPONENT}/resources`,
      id: "listResources",
      summary: "Resources of a component, and how many keys it holds of each.",
      schema: "Resources",
      description: "By name.",
      errors: [...PLACE_ERRORS, "NotFound"],
      async answer(call) {
        const component = componentOf(call);
        return await node.look((cache) => {
          checkKnown(component, namesKnown(cache));
          return componentsOf(cache).find((one) => one.component === component)?.resources ?? [];
        });
      },
    }),
    jsonRoute({
      method: "GET",
      path: `${RESOURCE}/keys`,
      id: "listResourceKeys",
      summary: "Object keys that a component holds of a resource.",
      schema: "Keys",
      description: "In order.",
      errors: PLACE_ERRORS,
      answer(call) {
        const place = listPlaceOf(call);
        return node.look((cache) => keysOfList(cache, place));
      },
    }),
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
      errors: [...WRITE_ERRORS, "InvalidContent"],
      long: true,
      async answer(call) {
        const place = listPlaceOf(call);
        const objects = splitObjectList(call.body, place.gvr);
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

/** The object that a place names, if it is one's. */
function objectIn({ gvr, namespace, name }: Partial<ObjectPlace>): AskedWrite["object"] {
  const isObject = gvr !== undefined && namespace !== undefined && name !== undefined;
  return isObject ? { gvr, namespace, name } : undefined;
}

/** An apiserver writes built-in kinds as protobuf behind the four bytes `k8s\0`. */
function mediaTypeOf(value: Uint8Array): string {
  const isProtobuf = String.fromCharCode(...value.subarray(0, 4)) === "k8s\0";
  return isProtobuf ? PROTOBUF : "application/json";
}
