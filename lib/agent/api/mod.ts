/**
 * The API: its routes, who dispatches requests to them, and where it is served.
 *
 * @module
 */
export { API_LIMITS, type ApiLimits } from "../api_limits.ts";
export { type ErrorCode, STATUS_OF } from "../error_codes.ts";
export { ApiError } from "./api_error.ts";
export type { ConnectionLimits } from "./connection.ts";
export type { ConnectionsLimits } from "./open_connections.ts";
export { type Answering, dispatcher, type Presentable } from "./dispatch.ts";
export { localTransport } from "./local_transport.ts";
export type { ProcessParts } from "./process_routes.ts";
export type {
  Answer,
  AnswerBody,
  BodyDescription,
  Call,
  Method,
  QueryParameter,
  Route,
} from "./route.ts";
export { type ApiParts, apiRoutes, type AskedRoute } from "./all_routes.ts";
export { type ApiServer, type ServerOptions, serveSocket } from "./server.ts";
export { SocketError } from "./socket_place.ts";
export type { ApiRequest } from "./request_body.ts";
