import { type ApiParts, nodeRoutes } from "./node_routes.ts";
import { openApiOf } from "./openapi.ts";
import type { Route } from "./route.ts";
import { storeRoutes } from "./store_routes.ts";
import { takeoverRoutes } from "./takeover_routes.ts";

/**
 * The table of all routes.
 *
 * @param parts what answers
 */
export function apiRoutes(parts: ApiParts): Route[] {
  const routes: Route[] = [
    ...nodeRoutes(parts),
    ...takeoverRoutes(parts.agent),
    ...storeRoutes(parts.agent),
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
