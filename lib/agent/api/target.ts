import { ApiError } from "./api_error.ts";
import type { Call, Route } from "./route.ts";

/** What a request is for. */
export interface Target extends Pick<Call, "path" | "query"> {
  readonly route: Route;
}

/**
 * Finds the route of a request and takes its path and query apart; nothing is normalized or
 * guessed on the way.
 *
 * @param routes the table
 * @param method of the request
 * @param url as the server hands it over
 * @throws {ApiError} `UnknownPath`, `MethodNotAllowed`, or `BadRequest` for what is not well formed
 */
export function readTarget(routes: readonly Route[], method: string, url: string): Target {
  const [before = "", query] = split(url.replace(/^[a-z+]+:\/\/[^/?]*/, ""), "?");
  const segments = before.split("/").slice(1).map((segment) => decoded(segment, "path"));
  const matching = routes.filter((route) => matches(templateOf(route), segments));
  if (matching.length === 0) {
    throw new ApiError("UnknownPath", "there is no such path; GET /openapi.json lists them");
  }
  // What HEAD is answered with is what GET is, without the body.
  const asked = method === "HEAD" ? "GET" : method;
  const route = matching.find((candidate) => candidate.method === asked);
  if (!route) throw methodNotAllowed(matching);
  const path = new Map<string, string>();
  templateOf(route).forEach((part, index) => {
    const name = parameterIn(part);
    if (name !== undefined) path.set(name, segments[index] ?? "");
  });
  return { route, path, query: readQuery(route, query) };
}

function methodNotAllowed(matching: readonly Route[]): ApiError {
  const methods = matching.flatMap(({ method }) => method === "GET" ? [method, "HEAD"] : [method]);
  const allow = methods.join(", ");
  return new ApiError("MethodNotAllowed", `this path takes ${allow}`, { headers: { allow } });
}

/** The name of the parameter that a segment of a template stands for, if it is one. */
export function parameterIn(part: string): string | undefined {
  return /^\{(.+)\}$/.exec(part)?.[1];
}

function templateOf({ path }: Route): string[] {
  return path.split("/").slice(1);
}

function matches(template: readonly string[], segments: readonly string[]): boolean {
  return template.length === segments.length &&
    template.every((part, index) => parameterIn(part) !== undefined || part === segments[index]);
}

function readQuery(route: Route, text: string | undefined): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of text ? text.split("&") : []) {
    const [name, value = ""] = split(pair, "=").map((part) => decoded(part ?? "", "query"));
    const known = route.query?.find((parameter) => parameter.name === name);
    if (!known) throw new ApiError("BadRequest", "the query holds a parameter that is not known");
    if (query.has(known.name)) throw new ApiError("BadRequest", `${known.name} is given twice`);
    if (known.kind === "boolean" && value !== "true" && value !== "false") {
      throw new ApiError("BadRequest", `${known.name} takes true or false`);
    }
    query.set(known.name, value);
  }
  for (const { name, required } of route.query ?? []) {
    if (required && !query.has(name)) throw new ApiError("BadRequest", `${name} is missing`);
  }
  return query;
}

function split(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string, where: string): string {
  try {
    return decodeURIComponent(where === "query" ? text.replaceAll("+", " ") : text);
  } catch {
    throw new ApiError("BadRequest", `the ${where} holds a % that encodes nothing`);
  }
}
