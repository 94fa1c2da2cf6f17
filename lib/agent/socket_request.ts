import { request as httpRequest } from "node:http";

/** An answer names each key once: these are more than half a million of them. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** A request to a server on a unix socket. */
export interface SocketRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly body?: string;
  /** Gives it up. */
  readonly signal: AbortSignal;
}

/** What it was answered with. */
export interface SocketAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * One HTTP request over a unix socket. By node:http: fetch's client reads the certificate
 * authorities of the machine first, and fails where there are none, though nothing here is
 * encrypted.
 *
 * @param path of the socket
 * @param asked the request
 * @throws {Error} if nobody listens there, the answer breaks off or is larger than 64 MiB, or the
 * signal's reason
 */
export function requestOverSocket(path: string, asked: SocketRequest): Promise<SocketAnswer> {
  const { method, target, body = "", signal } = asked;
  const { promise, resolve, reject } = Promise.withResolvers<SocketAnswer>();
  const bytes = new TextEncoder().encode(body);
  const headers = { host: "edgekeyd", "content-length": bytes.length };
  const request = httpRequest(
    { socketPath: path, path: target, method, headers, agent: false },
    (response) => {
      const { statusCode: status = 0, headers } = response;
      const decoder = new TextDecoder();
      let text = "";
      let length = 0;
      response.on("data", (chunk: Uint8Array) => {
        length += chunk.length;
        // Who holds the state directory names the socket, and need be no daemon.
        if (length > MAX_ANSWER_BYTES) {
          reject(new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`));
          request.destroy();
        } else text += decoder.decode(chunk, { stream: true });
      });
      response.on("error", reject);
      response.on("end", () => {
        // Its own `complete` is not told by every Deno.
        if (length === Number(headers["content-length"] ?? length)) resolve({ status, text });
        else reject(new Error("the answer broke off"));
      });
    },
  );
  request.on("error", reject);
  const giveUp = () => {
    reject(signal.reason);
    request.destroy();
  };
  if (signal.aborted) giveUp();
  else {
    signal.addEventListener("abort", giveUp, { once: true });
    request.end(bytes);
  }
  return promise.finally(() => signal.removeEventListener("abort", giveUp));
}
