import type { ErrorCode } from "../error_codes.ts";
import type { Schema } from "../schema.ts";

/** One request, taken apart and checked as far as its route says. */
export interface Call {
  /** The route's. */
  readonly id: string;
  /** Percent-decoded segments of the path, by the names in the route's template. */
  readonly path: ReadonlyMap<string, string>;
  /** Query parameters that were given, each one of the route's. */
  readonly query: ReadonlyMap<string, string>;
  /** Empty if the route takes none. */
  readonly body: Uint8Array;
  /** Ends the wait for what the request asks for. */
  readonly signal: AbortSignal;
}

/** What a body is made from: bytes and text as they are, anything else as JSON. */
export type AnswerBody = Uint8Array<ArrayBuffer> | string | object;

/** What a request is answered with. */
export interface Answer<Body extends AnswerBody = AnswerBody> {
  /** HTTP's. */
  readonly status: number;
  /** What it says. */
  readonly body: Body;
  /** The media type of bytes or text. */
  readonly type?: string;
}

/** A query parameter. */
export interface QueryParameter<Name extends string = string> {
  /** As it stands in the query. */
  readonly name: Name;
  /** A boolean is `true` or `false`. */
  readonly kind: "boolean" | "text";
  /** It must be given; by default it need not. */
  readonly required?: boolean;
  /** What it does, for the OpenAPI document. */
  readonly description: string;
  /** One that can be given, for the document. */
  readonly example?: string;
}

/** The media type of JSON. */
export const JSON_TYPE = "application/json";

/** How a body is described in the OpenAPI document. */
export interface BodyDescription {
  /** What it is. */
  readonly description: string;
  /** Its media type; by default JSON. */
  readonly type?: string;
  /** What is in it. */
  readonly schema: Schema;
  /** One that may come, for the document; by default that of the schema, if it is a named one. */
  readonly example?: string | object;
  /** Other media types in which it may come. */
  readonly also?: Readonly<Record<string, Schema>>;
}

/** HTTP's. */
export type Method = "GET" | "POST" | "PUT" | "DELETE";

/**
 * One row of the table from which requests are dispatched and the OpenAPI document is made, so
 * that the two can't differ. Its type says what `NodeClient` may ask, and what it is answered.
 */
export interface Route<
  OfMethod extends Method = Method,
  Path extends string = string,
  Query extends string = string,
  Body extends AnswerBody = AnswerBody,
> {
  /** HTTP's. */
  readonly method: OfMethod;
  /** With `{parameters}`, each a whole segment. */
  readonly path: Path;
  /** The operation's name, for generated clients and for the log. */
  readonly id: string;
  /** What it does, in the OpenAPI document. */
  readonly summary: string;
  /** The parameters that it takes; by default none. */
  readonly query?: readonly QueryParameter<Query>[];
  /** What may stand in its path, for the document; by default what is usual for the parameter. */
  readonly places?: Readonly<Record<string, string>>;
  /** The body that it takes; by default none. */
  readonly body?: BodyDescription;
  /** Answers that are no errors, by status. */
  readonly answers: Readonly<Record<number, BodyDescription>>;
  /** Beside those that any request can get. */
  readonly errors: readonly ErrorCode[];
  /** It answers from memory alone, and so is answered however many requests are open. */
  readonly atOnce?: boolean;
  /** It may take as long as a first import on a slow uplink does. */
  readonly long?: boolean;
  /** Answers one request; what it throws becomes an error. */
  readonly answer: (call: Call) => Answer<Body> | Promise<Answer<Body>>;
}

/** What any request can be answered with. */
export const COMMON_ERRORS: readonly ErrorCode[] = ["BadRequest", "TooManyRequests", "Internal"];

/** Beside these, what one with a body can be answered with. */
export const BODY_ERRORS: readonly ErrorCode[] = [
  "NoContent",
  "TooLarge",
  "RequestTimeout",
  "UnsupportedMediaType",
];

/**
 * A route whose answer is JSON: what it answers with is what its schema says. A schema of its own
 * stands in the route with an example; what several routes answer with is in `schemas.ts` and
 * `examples.ts`.
 */
export interface JsonRoute<
  OfMethod extends Method,
  Path extends string,
  Query extends string,
  Body extends object,
> extends Omit<Route<OfMethod, Path, Query>, "answers" | "errors" | "answer"> {
  /** What it is answered with. */
  readonly schema: Schema<Body>;
  /** What that is. */
  readonly description: string;
  /** One that may come, for the document; by default that of the schema, if it is a named one. */
  readonly example?: NoInfer<Body>;
  /** By default 200. */
  readonly status?: number;
  /** By default none. */
  readonly errors?: readonly ErrorCode[];
  readonly answer: (call: Call) => NoInfer<Body> | Promise<NoInfer<Body>>;
}

/**
 * Makes a row of the table from a route that answers with JSON.
 *
 * @param route the route
 */
export function jsonRoute<
  OfMethod extends Method,
  Path extends string,
  Body extends object,
  Query extends string = never,
>(
  route: JsonRoute<OfMethod, Path, Query, Body>,
): Route<OfMethod, Path, Query, Body> {
  const { schema, description, example, status = 200, errors = [], answer, ...rest } = route;
  return {
    ...rest,
    errors,
    answers: { [status]: { description, schema, ...(example && { example }) } },
    answer: async (call) => ({ status, body: await answer(call) }),
  };
}
