import { API_LIMITS } from "../api_limits.ts";
import { type ErrorCode, STATUS_OF } from "../error_codes.ts";
import { ERROR_EXAMPLES } from "../error_examples.ts";
import { EXAMPLES } from "../examples.ts";
import { COUNT, type Schema } from "../schema.ts";
import { ref, SCHEMAS } from "../schemas.ts";
import { PATH_PARAMETERS } from "./places.ts";
import {
  BODY_ERRORS,
  type BodyDescription,
  COMMON_ERRORS,
  JSON_TYPE,
  type Route,
} from "./route.ts";
import { parameterIn } from "./target.ts";

/** Routes that belong together; a tag in the document. */
export interface RouteGroup {
  /** The tag's. */
  readonly name: string;
  /** What they are about. */
  readonly description: string;
  /** In the order of the document. */
  readonly routes: readonly Route[];
}

const DESCRIPTION = "Served on a unix socket alone. Errors are `{code, message}`. What is " +
  "answered may have more members than are listed here, and a later version may have more codes: " +
  "a client passes over what it does not know. HEAD is taken where GET is. " +
  `At most ${API_LIMITS.maxOpen} requests are worked on at once. ${API_LIMITS.maxWaiting} more ` +
  `wait for up to ${API_LIMITS.waitMs} ms; others get a 429, which says when to try again. ` +
  `A body may have ${API_LIMITS.maxBodyBytes} bytes, all that are worked on at once ` +
  `${API_LIMITS.maxBodiesBytes}.`;

/** Of a URL on a unix socket only the path counts. */
const SERVERS = [{
  url: "http://edgekeyd",
  description: "The daemon's unix socket: /run/edgekeyd/api.sock, unless --listen says another. " +
    "Any host will do.",
}];

const RETRY_AFTER = {
  "Retry-After": { description: "In how many seconds to try again.", schema: COUNT },
};

/**
 * Makes the OpenAPI 3.1 document of a table of routes.
 *
 * @param groups the table
 * @param version edgekeyd's
 */
export function openApiOf(groups: readonly RouteGroup[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { name, routes } of groups) {
    for (const route of routes) {
      (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route, name);
    }
  }
  const examples = Object.entries(EXAMPLES).map(([name, value]) => [name, { value }]);
  return {
    openapi: "3.1.0",
    info: {
      title: "edgekeyd",
      version,
      description: DESCRIPTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: SERVERS,
    // The socket's mode says who may; a request carries nothing.
    security: [],
    tags: groups.map(({ name, description }) => ({ name, description })),
    paths,
    components: { schemas: SCHEMAS, examples: Object.fromEntries(examples) },
  };
}

function operationOf(route: Route, tag: string): object {
  const { id, summary, body, answers, errors } = route;
  const parameters = [...pathParameters(route), ...queryParameters(route)];
  const bodyErrors = body ? BODY_ERRORS : [];
  const responses: Record<string, object> = {};
  for (const [status, answer] of Object.entries(answers)) responses[status] = contentOf(answer);
  const codes = new Set([...COMMON_ERRORS, ...bodyErrors, ...errors]);
  for (const [status, some] of Map.groupBy(codes, (code) => STATUS_OF[code])) {
    responses[status] ??= errorsOf(some.join(", "), some);
  }
  responses["default"] = errorsOf("Any other failure.", ["Internal"]);
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, ...contentOf(body) } }),
    responses,
  };
}

function errorsOf(description: string, codes: readonly ErrorCode[]): object {
  const examples = codes.map((code) => [code, { value: { code, message: ERROR_EXAMPLES[code] } }]);
  const json = { schema: ref("Error"), examples: Object.fromEntries(examples) };
  const headers = codes.includes("TooManyRequests") && { headers: RETRY_AFTER };
  return { description, ...headers, content: { [JSON_TYPE]: json } };
}

function pathParameters({ path, places = {} }: Route): object[] {
  return path.split("/").map(parameterIn).filter((name) => name !== undefined).map((name) => {
    const { description, example } = PATH_PARAMETERS[name] ?? {};
    return {
      name,
      in: "path",
      required: true,
      description,
      schema: { type: "string" },
      example: places[name] ?? example,
    };
  });
}

function queryParameters({ query = [] }: Route): object[] {
  return query.map(({ name, kind, required = false, description, example }) => {
    const schema: Schema = kind === "boolean"
      ? { type: "boolean", default: false }
      : { type: "string" };
    return { name, in: "query", required, description, schema, ...(example && { example }) };
  });
}

function contentOf(body: BodyDescription): object {
  const { description, type = JSON_TYPE, schema, also = {} } = body;
  const usual = { schema, ...exampleOf(body) };
  const others = Object.entries(also).map(([name, of]) => [name, { schema: of }]);
  return { description, content: { [type]: usual, ...Object.fromEntries(others) } };
}

function exampleOf({ example, schema: { $ref } }: BodyDescription): object {
  if (example !== undefined) return { examples: { usual: { value: example } } };
  if (typeof $ref !== "string") return {};
  const name = $ref.slice($ref.lastIndexOf("/") + 1);
  return { examples: { usual: { $ref: `#/components/examples/${name}` } } };
}
