import type { Node } from "../node.ts";
import { componentRoutes } from "./component_routes.ts";
import { nodeRoutes } from "./node_routes.ts";
import { openApiOf } from "./openapi.ts";
import { type ProcessParts, processRoutes } from "./process_routes.ts";
import type { Route } from "./route.ts";
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
  const routes: Route[] = [
    ...processRoutes(parts),
    ...routesOf(parts.agent),
    {
      method: "GET",
      path: "/openapi.json",
      id: "getOpenApi",
      summary: "This document.",
      answers: { 200: { description: "OpenAPI 3.1.", schema: { type: "object" } } },
      errors: [],
      atOnce: true,
      answer: () => ({ status: 200, body: document }),
    },
  ];
  const document = openApiOf(routes, parts.version);
  return routes;
}

/**
 * Those that answer for a node, whether or not a daemon runs on it.
 *
 * @param node the node
 */
export function routesOf(node: Node): Route[] {
  return [...askedRoutes(node), ...storeRoutes(node)];
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
