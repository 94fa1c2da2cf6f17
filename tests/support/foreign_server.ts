import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";

/** Something on a free loopback port that is no etcd. */
export interface ForeignServer extends AsyncDisposable {
  readonly port: number;
  /** `host:port`, without a scheme. */
  readonly address: string;
}

/** A web server of the simple kind, as etcd's metrics port is, and etcd itself was before v3. */
export function startHttp1(): Promise<ForeignServer> {
  return listening(createServer((_, answer) => void answer.end("<html>welcome</html>")));
}

/** What an HTTP/2 server answers to everything. */
export interface Http2Answer {
  readonly status: number;
  /** Headers beside the status. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A proxy or a gRPC server that gives one answer to everything. */
export function startHttp2({ status, headers, body }: Http2Answer): Promise<ForeignServer> {
  const server = createHttp2Server();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": status, ...headers }, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
  });
  return listening(server);
}

/** A gRPC server that refuses everything. */
export function startGrpc(code: number, message: string): Promise<ForeignServer> {
  return startHttp2({
    status: 200,
    headers: {
      "content-type": "application/grpc",
      "grpc-status": String(code),
      "grpc-message": encodeURIComponent(message),
    },
  });
}

/** A gRPC server that answers everything with the same message. */
export function startAnswering(message: Uint8Array): Promise<ForeignServer> {
  const frame = new Uint8Array(5 + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, 5);
  const server = createHttp2Server();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, {
      waitForTrailers: true,
    });
    stream.end(frame);
  });
  return listening(server);
}

/** What does with each connection as it is told. */
export function startTcp(serve: (client: Socket) => void): Promise<ForeignServer> {
  return listening(createTcpServer(serve));
}

async function listening(server: Server): Promise<ForeignServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const port = Number(Object(server.address()).port);
  return {
    port,
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
