import { formatGvr, type Gvr, isName, parseGvr } from "../../k8s/mod.ts";
import { isPlace, type ListPlace, type ObjectPlace } from "../../store/mod.ts";
import type { ErrorCode } from "../error_codes.ts";
import { ApiError } from "./api_error.ts";
import type { Call, QueryParameter } from "./route.ts";

/** The path of all components. */
export const COMPONENTS = "/v1/components";
/** That of one. */
export const COMPONENT = `${COMPONENTS}/{component}` as const;
/** That of what it holds of a resource. */
export const RESOURCE = `${COMPONENT}/resources/{gvr}` as const;

/** The query parameter of a list. */
export const NAMESPACE: QueryParameter<"namespace"> = {
  name: "namespace",
  kind: "text",
  description: "Only this namespace; without it all.",
  example: "shop",
};

/** The parameters that paths have, as the OpenAPI document describes them. */
export const PATH_PARAMETERS: Readonly<Record<string, { description: string; example: string }>> = {
  component: {
    description: "Who asked for the objects, as in `kubelet`.",
    example: "sensor-agent",
  },
  gvr: {
    description: "Resource, version and group, as in `pods.v1.core`.",
    example: "configmaps.v1.core",
  },
  namespace: { description: "A namespace.", example: "shop" },
  name: { description: "An object's name.", example: "settings" },
};

/** Errors that a path can have, by what is in it. */
export const PLACE_ERRORS: readonly ErrorCode[] = [
  "EmptyComponent",
  "EmptyResource",
  "EmptyKey",
  "UnrecognizedKey",
];

/**
 * The component that a path names.
 *
 * @param call the request
 * @throws {ApiError} `EmptyComponent`, or `UnrecognizedKey` if no component can have that name
 */
export function componentOf({ path }: Call): string {
  const component = path.get("component") ?? "";
  if (component === "") throw new ApiError("EmptyComponent", "the path names no component");
  if (isName(component)) return component;
  throw new ApiError("UnrecognizedKey", "no component can have the name that the path gives");
}

/**
 * The resource that a path names.
 *
 * @param call the request
 * @throws {ApiError} `EmptyResource`, or `UnrecognizedKey` if it is none
 */
export function gvrOf({ path }: Call): Gvr {
  const text = path.get("gvr") ?? "";
  if (text === "") throw new ApiError("EmptyResource", "the path names no resource");
  const gvr = parseGvr(text);
  if (gvr) return gvr;
  throw new ApiError("UnrecognizedKey", "a resource is written as in pods.v1.core");
}

/**
 * The list that path and query name.
 *
 * @param call the request
 * @throws {ApiError} if there can be none
 */
export function listPlaceOf(call: Call): ListPlace {
  const component = componentOf(call);
  const gvr = gvrOf(call);
  const namespace = call.query.get("namespace");
  if (namespace !== undefined) checkSegment("namespace", namespace);
  checkScope(gvr, namespace ?? "");
  return { component, gvr, namespace };
}

/**
 * The object that a path names.
 *
 * @param call the request
 * @throws {ApiError} if there can be none
 */
export function objectPlaceOf(call: Call): ObjectPlace {
  return { component: componentOf(call), ...objectOf(call) };
}

/**
 * The object that a path names, whoever holds it.
 *
 * @param call the request
 * @throws {ApiError} if there can be none
 */
export function objectOf(call: Call): Omit<ObjectPlace, "component"> {
  const gvr = gvrOf(call);
  const namespace = call.path.get("namespace");
  if (namespace !== undefined) checkSegment("namespace", namespace);
  checkScope(gvr, namespace ?? "");
  const name = call.path.get("name") ?? "";
  checkSegment("name", name);
  return { gvr, namespace: namespace ?? "", name };
}

function checkSegment(what: string, text: string): void {
  if (text === "") throw new ApiError("EmptyKey", `the ${what} is empty`);
  if (!isName(text)) {
    throw new ApiError("UnrecognizedKey", `the ${what} can't be a segment of a Kubernetes path`);
  }
}

function checkScope(gvr: Gvr, namespace: string): void {
  if (isPlace(gvr, namespace)) return;
  throw new ApiError("UnrecognizedKey", `${formatGvr(gvr)} are in no namespace`);
}
