/** A network link between an agent and its etcd. What it does may be changed while it is up. */
export interface Link extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  readonly rules: LinkRules;
  /** Bytes that the agent has sent. */
  sentBytes(): number;
  /** How many connections were cut. */
  cuts(): number;
}

/** What a link does to what passes. */
export interface LinkRules {
  /** On the way, each way, in ms. */
  delayMs: number;
  /** Each way. */
  bytesPerSecond: number;
  /** Once: close the connection, and lose etcd's next answer, when the agent has sent so many. */
  cutAfterBytes: number;
  /** Answers of etcd's wait so long beside `delayMs`, once the agent has sent `lateAfterBytes`. */
  lateByMs: number;
  lateAfterBytes: number;
}

/** Bytes on the way; a real link holds some too, and then slows the sender down. */
const IN_FLIGHT_BYTES = 64 * 1024;
const CHUNK_BYTES = 16 * 1024;

/**
 * Puts a link up on a free loopback port.
 *
 * @param serverPort where etcd is, on loopback
 * @param rules what it does; by default it is fast
 */
export function startLink(serverPort: number, rules: Partial<LinkRules> = {}): Link {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const all: LinkRules = {
    delayMs: 0,
    bytesPerSecond: Infinity,
    cutAfterBytes: Infinity,
    lateByMs: 0,
    lateAfterBytes: Infinity,
    ...rules,
  };
  const open = new Set<Deno.Conn>();
  const work = new Set<Promise<void>>();
  const closing = new AbortController();
  let sent = 0;
  let cuts = 0;

  const close = (...connections: Deno.Conn[]) => {
    for (const connection of connections) if (open.delete(connection)) connection.close();
  };
  const keep = (promise: Promise<void>) => {
    work.add(promise);
    promise.finally(() => work.delete(promise));
  };
  const serve = async (client: Deno.Conn) => {
    open.add(client);
    const server = await Deno.connect({ hostname: "127.0.0.1", port: serverPort })
      .catch(() => undefined);
    if (!server) return close(client);
    open.add(server);
    const end = () => close(client, server);
    const up = async (bytes: Uint8Array) => {
      sent += bytes.length;
      await writeAll(server, bytes);
    };
    const down = async (bytes: Uint8Array) => {
      if (sent >= all.cutAfterBytes) {
        all.cutAfterBytes = Infinity;
        cuts++;
        return end();
      }
      if (sent >= all.lateAfterBytes) await sleep(all.lateByMs, closing.signal);
      await writeAll(client, bytes);
    };
    keep(pump(client, up, all, closing.signal).finally(end));
    keep(pump(server, down, all, closing.signal).finally(end));
  };
  const accepting = (async () => {
    for await (const client of listener) keep(serve(client));
  })();
  const { port } = listener.addr as Deno.NetAddr;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    rules: all,
    sentBytes: () => sent,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      closing.abort();
      listener.close();
      await accepting;
      close(...open);
      while (work.size > 0) await Promise.all(work);
    },
  };
}

/** Hands on what one end sends, at the link's pace; ends with the connection. */
async function pump(
  from: Deno.Conn,
  handOn: (bytes: Uint8Array) => Promise<void>,
  rules: LinkRules,
  signal: AbortSignal,
): Promise<void> {
  const onTheWay: { length: number; delivered: Promise<boolean> }[] = [];
  let inFlight = 0;
  let last = Promise.resolve(true);
  let freeAtMs = 0;
  try {
    while (true) {
      const bytes = new Uint8Array(CHUNK_BYTES);
      const length = await from.read(bytes);
      if (length === null) break;
      freeAtMs = Math.max(performance.now(), freeAtMs) + length * 1_000 / rules.bytesPerSecond;
      const arrivesMs = freeAtMs + rules.delayMs;
      last = last.then(async () => {
        await sleep(arrivesMs - performance.now(), signal);
        await handOn(bytes.subarray(0, length));
        return true;
      }).catch(() => false);
      onTheWay.push({ length, delivered: last });
      inFlight += length;
      while (inFlight >= IN_FLIGHT_BYTES) {
        const oldest = onTheWay.shift();
        if (!oldest || !(await oldest.delivered)) return;
        inFlight -= oldest.length;
      }
    }
  } catch {
    // Either end has closed.
  }
  await last;
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await to.write(rest));
}

/** Ends at once when the link goes down. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
