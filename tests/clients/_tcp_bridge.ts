/** A TCP port that leads to a unix socket, for clients that know no other way. */
export class TcpBridge implements AsyncDisposable {
  readonly url: string;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #done: Promise<void>;

  /** @param socket where it leads */
  constructor(socket: string) {
    const { port } = this.#listener.addr as Deno.NetAddr;
    this.url = `http://127.0.0.1:${port}`;
    this.#done = this.#serve(socket);
  }

  async #serve(socket: string): Promise<void> {
    const open = new Set<Promise<void>>();
    for await (const client of this.#listener) {
      const carried = carry(client, socket);
      open.add(carried);
      carried.finally(() => open.delete(carried));
    }
    await Promise.all(open);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

/** Carries bytes both ways until both sides have ended, or one has broken off. */
async function carry(client: Deno.Conn, socket: string): Promise<void> {
  const server = await Deno.connect({ transport: "unix", path: socket });
  await Promise.allSettled([
    client.readable.pipeTo(server.writable),
    server.readable.pipeTo(client.writable),
  ]);
}
