/** What a proxy does to what passes through it; may be changed at any time. */
export interface Passage {
  /** Where new connections are handed on to, on loopback. */
  serverPort: number;
  /** Wait so long before each piece is handed on. */
  delayMs: number;
  /** Swallow what the client sends once it has sent so many bytes. */
  deafAfterBytes: number;
  /** Swallow what the server answers once the client has sent so many bytes. */
  muteAfterBytes: number;
}

/** A TCP proxy between the agent and its etcd, which can lose what either of them says. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  readonly passage: Passage;
  /** Bytes that clients have sent so far. */
  sentBytes(): number;
}

/**
 * Starts a proxy on a free loopback port.
 *
 * @param serverPort where it hands on to, on loopback
 * @param passage what it does to what passes; nothing by default
 */
export function startProxy(serverPort: number, passage: Partial<Passage> = {}): TcpProxy {
  const rules: Passage = {
    serverPort,
    delayMs: 0,
    deafAfterBytes: Infinity,
    muteAfterBytes: Infinity,
    ...passage,
  };
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const open = new Set<Deno.Conn>();
  const pumps = new Set<Promise<void>>();
  let sent = 0;

  const pump = async (from: Deno.Conn, to: Deno.Conn, passes: (bytes: number) => boolean) => {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (let length = await from.read(buffer); length; length = await from.read(buffer)) {
        if (!passes(length)) continue;
        if (rules.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, rules.delayMs));
        let rest = buffer.subarray(0, length);
        while (rest.length > 0) rest = rest.subarray(await to.write(rest));
      }
    } catch {
      // Either end has closed.
    }
    for (const connection of [from, to]) {
      if (open.delete(connection)) connection.close();
    }
  };
  const keep = (work: Promise<void>) => {
    pumps.add(work);
    work.finally(() => pumps.delete(work));
  };
  const serve = async (client: Deno.Conn) => {
    open.add(client);
    let server: Deno.Conn;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: rules.serverPort });
    } catch {
      if (open.delete(client)) client.close();
      return;
    }
    open.add(server);
    keep(pump(client, server, (bytes) => {
      sent += bytes;
      return sent < rules.deafAfterBytes;
    }));
    keep(pump(server, client, () => sent < rules.muteAfterBytes));
  };
  const accepting = (async () => {
    for await (const client of listener) keep(serve(client));
  })();
  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    passage: rules,
    sentBytes: () => sent,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of open) connection.close();
      open.clear();
      await Promise.all(pumps);
    },
  };
}
