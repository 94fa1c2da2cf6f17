import { type ErrorCode, STATUS_OF } from "../error_codes.ts";
import { PATH_PARAMETERS } from "./places.ts";
import { type BodyDescription, COMMON_ERRORS, type Route } from "./route.ts";
import type { Schema } from "../schema.ts";
import { ref, SCHEMAS } from "../schemas.ts";
import { parameterIn } from "./target.ts";

/**
 * Makes the OpenAPI 3.1 document of a table of routes.
 *
 * @param routes the table
 * @param version edgekeyd's
 */
export function openApiOf(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "edgekeyd",
      version,
      description: "Served on a unix socket alone. Errors are `{code, message}`.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths,
    components: { schemas: SCHEMAS },
  };
}

function operationOf(route: Route): object {
  const { id, summary, body, answers, errors } = route;
  const parameters = [...pathParameters(route), ...queryParameters(route)];
  const bodyErrors: ErrorCode[] = body ? ["NoContent", "TooLarge", "RequestTimeout"] : [];
  const responses: Record<string, object> = {};
  for (const [status, answer] of Object.entries(answers)) responses[status] = contentOf(answer);
  const codes = new Set([...COMMON_ERRORS, ...bodyErrors, ...errors]);
  for (const [status, some] of Map.groupBy(codes, (code) => STATUS_OF[code])) {
    responses[status] ??= contentOf({ description: some.join(", "), schema: ref("Error") });
  }
  return {
    operationId: id,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, ...contentOf(body) } }),
    responses,
  };
}

function pathParameters({ path }: Route): object[] {
  return path.split("/").map(parameterIn).filter((name) => name !== undefined).map((name) => ({
    name,
    in: "path",
    required: true,
    description: PATH_PARAMETERS[name] ?? "",
    schema: { type: "string" },
  }));
}

function queryParameters({ query = [] }: Route): object[] {
  return query.map(({ name, kind, required = false, description }) => {
    const schema: Schema = { type: kind === "boolean" ? "boolean" : "string" };
    return { name, in: "query", required, description, schema };
  });
}

function contentOf(body: BodyDescription): object {
  const { description, type = "application/json", schema, also = {} } = body;
  const types = Object.entries({ [type]: schema, ...also });
  const content = Object.fromEntries(types.map(([name, of]) => [name, { schema: of }]));
  return { description, content };
}
