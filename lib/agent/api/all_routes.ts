import type { Node } from "../node.ts";
import { ANY_OBJECT } from "../schema.ts";
import { componentRoutes } from "./component_routes.ts";
import { keyRoutes } from "./key_routes.ts";
import { nodeRoutes } from "./node_routes.ts";
import { openApiOf, type RouteGroup } from "./openapi.ts";
import { type ProcessParts, processRoutes } from "./process_routes.ts";
import { jsonRoute, type Route } from "./route.ts";
import { storeRoutes } from "./store_routes.ts";
import { takeoverRoutes } from "./takeover_routes.ts";

/** What the API is made of. */
export interface ApiParts extends ProcessParts {
  /** edgekeyd's version. */
  readonly version: string;
}

/**
 * The table of all routes.
 *
 * @param parts what answers
 */
export function apiRoutes(parts: ApiParts): Route[] {
  const itself: Route = jsonRoute({
    method: "GET",
    path: "/openapi.json",
    id: "getOpenApi",
    summary: "This document.",
    schema: ANY_OBJECT,
    description: "OpenAPI 3.1.",
    example: { openapi: "3.1.0" },
    atOnce: true,
    answer: () => document,
  });
  const process: RouteGroup = {
    name: "process",
    description: "How the process is doing, for who supervises it.",
    routes: [...processRoutes(parts), itself],
  };
  const groups = [process, ...groupsOf(parts.agent)];
  const document = openApiOf(groups, parts.version);
  return groups.flatMap(({ routes }) => routes);
}

/**
 * Those that answer for a node, whether or not a daemon runs on it.
 *
 * @param node the node
 */
export function routesOf(node: Node): Route[] {
  return groupsOf(node).flatMap(({ routes }) => routes);
}

function groupsOf(node: Node): RouteGroup[] {
  return [
    {
      name: "node",
      description: "How the node is doing, and what an operator may ask of it.",
      routes: nodeRoutes(node),
    },
    {
      name: "takeover",
      description: "What takes the place of another importer or of a lost state directory.",
      routes: takeoverRoutes(node),
    },
    {
      name: "components",
      description: "What the components of the node hold, and letting one go.",
      routes: componentRoutes(node),
    },
    {
      name: "keys",
      description: "Under which keys etcd has objects.",
      routes: keyRoutes(node),
    },
    {
      name: "objects",
      description: "Objects and lists of components that the fs cache does not have.",
      routes: storeRoutes(node),
    },
  ];
}

/**
 * One of the routes that commands ask for: what `NodeClient` may send, and what it gets.
 *
 * @internal
 */
export type AskedRoute = ReturnType<typeof askedRoutes>[number];

function askedRoutes(node: Node) {
  return [...nodeRoutes(node), ...takeoverRoutes(node), ...componentRoutes(node)];
}
