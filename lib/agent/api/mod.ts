export { ApiError, type ErrorCode, STATUS_OF } from "./api_error.ts";
export { API_LIMITS, type ApiLimits, dispatcher } from "./dispatch.ts";
export type { ApiParts } from "./node_routes.ts";
export { apiRoutes } from "./routes.ts";
export { type ApiServer, serveSocket, SocketError } from "./server.ts";
