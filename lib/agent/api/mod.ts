export { type ErrorCode, STATUS_OF } from "../error_codes.ts";
export { ApiError } from "./api_error.ts";
export { API_LIMITS, type ApiLimits } from "../api_limits.ts";
export { dispatcher } from "./dispatch.ts";
export { localTransport } from "./local_transport.ts";
export { type ApiParts, apiRoutes } from "./routes.ts";
export { type ApiServer, serveSocket, SocketError } from "./server.ts";
