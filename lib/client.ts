/**
 * A client of a running edgekeyd's API, with the types of its routes.
 *
 * @module
 */
import { NodeClient, SocketTransport } from "./agent/mod.ts";

export {
  type AnswerTo,
  type Asked,
  ClientError,
  NodeClient,
  type Patience,
  SocketTransport,
  type Transport,
  type Verb,
} from "./agent/mod.ts";

/**
 * Makes a client of the daemon behind a socket. It connects at the first request.
 *
 * @param path of the socket
 */
export function connectTo(path = "/run/edgekeyd/api.sock"): NodeClient {
  return new NodeClient(new SocketTransport(path));
}
