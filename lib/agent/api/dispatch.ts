import { Buffer } from "node:buffer";
import type { EdgekeydError } from "../../errors.ts";
import type { ApiLimits } from "../api_limits.ts";
import { ApiError, apiErrorOf } from "./api_error.ts";
import {
  type ApiRequest,
  BodyBudget,
  type HeldBody,
  readBody,
  refuseAnnouncedBody,
  refuseBody,
} from "./request_body.ts";
import { InterruptedWriteError } from "../interrupted_write.ts";
import { checkMediaType } from "./media_type.ts";
import { OpenRequests } from "./open_requests.ts";
import { UpdateConflictError } from "../../store/mod.ts";
import { type Answer, type AnswerBody, JSON_TYPE, type Route } from "./route.ts";
import type { Answers } from "../schemas.ts";
import { readTarget, type Target } from "./target.ts";
import { written } from "./written.ts";

/** Answers one request, or what is wrong with one that can't be read. */
export type Answering = (request: ApiRequest | ApiError) => Promise<Response>;

/** Makes the error that is answered when something fails that nobody foresaw. */
export type Presentable = (error: unknown) => EdgekeydError;

/**
 * Makes the function that answers requests by the table of routes.
 *
 * @param routes the table
 * @param limits what requests may take
 * @param presentable says in one line what nobody foresaw
 */
export function dispatcher(
  routes: readonly Route[],
  limits: ApiLimits,
  presentable: Presentable,
): Answering {
  const budget = new BodyBudget(limits.maxBodiesBytes, limits.waitMs);
  const open = new OpenRequests(limits);
  async function answer(request: ApiRequest | ApiError): Promise<Answer> {
    if (request instanceof ApiError) throw request;
    const { route, ...target } = readTarget(routes, request.method, request.url);
    const { id } = route;
    if (route.atOnce) {
      refuseAnnouncedBody(request, bodyHint(route));
      return await route.answer({ ...target, id, body: NOTHING, signal: NEVER });
    }
    if (route.body) checkMediaType(request.headers, route.body);
    await open.enter();
    try {
      return await answerOne(route, target, request);
    } finally {
      open.leave();
    }
  }
  async function answerOne(
    route: Route,
    target: Omit<Target, "route">,
    request: ApiRequest,
  ): Promise<Answer> {
    const timeout = new AbortController();
    const timer = setTimeout(
      () => timeout.abort(),
      route.long ? limits.longTimeoutMs : limits.timeoutMs,
    );
    const { maxBodyBytes: maxBytes, bodyTimeoutMs: timeoutMs } = limits;
    let body: HeldBody | undefined;
    try {
      // One that were left unread would be taken for heeded: `{"dryRun":true}`, say.
      if (!route.body) await refuseBody(request, timeoutMs, bodyHint(route));
      else body = await readBody(request, { maxBytes, timeoutMs, budget });
      if (body?.bytes.length === 0) throw new ApiError("NoContent", "the body is empty");
      const { signal } = timeout;
      const { id } = route;
      return await route.answer({ ...target, id, body: body?.bytes ?? NOTHING, signal });
    } finally {
      clearTimeout(timer);
      body?.release();
    }
  }
  return async (request) => {
    try {
      return responseOf(await answer(request));
    } catch (error) {
      return errorResponse(presentable(error));
    }
  };
}

const NOTHING = new Uint8Array();
const NEVER = new AbortController().signal;

/** What is said to a body where none is taken. */
function bodyHint({ method, path, query = [] }: Route): string {
  const parameters = query.map(({ name, kind }) => `?${name}=${kind === "boolean" ? "true" : "…"}`);
  const use = parameters.length > 0 ? `; use ${parameters.join(", ")}` : "";
  return `${method} ${path} takes no body${use}`;
}

function responseOf({ status, body, type }: Answer): Response {
  const asIs = typeof body === "string" || body instanceof Uint8Array;
  return new Response(asIs ? body : `${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": type ?? JSON_TYPE, "cache-control": "no-store" },
  });
}

/** An object goes into the answer byte for byte: its numbers would not survive being parsed. */
function withHeld(body: object, failure: EdgekeydError): AnswerBody {
  if (!(failure instanceof UpdateConflictError) || !failure.held) return body;
  const head = Buffer.from(`${JSON.stringify(body).slice(0, -1)},"held":`);
  return new Uint8Array(Buffer.concat([head, failure.held, Buffer.from("}\n")]));
}

function errorResponse(failure: EdgekeydError): Response {
  const error = apiErrorOf(failure);
  const { code, message, status, headers } = error;
  const body: Answers["Error"] = {
    code,
    message,
    ...(failure instanceof InterruptedWriteError && { written: written(failure.applied) }),
  };
  const response = responseOf({ status, body: withHeld(body, failure), type: JSON_TYPE });
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
