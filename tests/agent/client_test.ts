import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { type Answers, ClientError, NodeClient, SocketTransport } from "../../lib/agent/mod.ts";

/** Far below what the client waits for by itself, and far above what an answer takes. */
const PATIENCE = { answerMs: 2_000, workMs: 20_000, hangMs: 2_000 };
const REQUEST = { dryRun: false, confirmDeletes: true, requireSingleTxn: false };

/** A path for a socket, gone with the test. */
class Place implements Disposable {
  readonly #root = Deno.makeTempDirSync({ prefix: "edgekeyd-client-" });
  readonly path = `${this.#root}/api.sock`;

  [Symbol.dispose](): void {
    Deno.removeSync(this.#root, { recursive: true });
  }
}

/** Serves HTTP while the work goes on. */
async function serving(
  answer: (request: Request) => Promise<Response> | Response,
  work: (client: NodeClient) => Promise<void>,
): Promise<void> {
  using place = new Place();
  const { promise: ended, resolve: end } = Promise.withResolvers<Response>();
  const either = (request: Request) => Promise.race([answer(request), ended]);
  const server = Deno.serve({ path: place.path, onListen() {} }, either);
  try {
    await work(new NodeClient(new SocketTransport(place.path, PATIENCE)));
  } finally {
    end(new Response());
    await server.shutdown();
  }
}

/** Takes connections and sends each the same bytes, then closes them. */
async function sending(bytes: string, work: (client: NodeClient) => Promise<void>): Promise<void> {
  using place = new Place();
  const listener = Deno.listen({ transport: "unix", path: place.path });
  const served = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4_096));
      await connection.write(new TextEncoder().encode(bytes));
      connection.close();
    }
  })();
  try {
    await work(new NodeClient(new SocketTransport(place.path, PATIENCE)));
  } finally {
    listener.close();
    await served;
  }
}

const NEVER = new Promise<Response>(() => {});

async function unreachable(call: Promise<unknown>, says: RegExp): Promise<void> {
  await rejects(call, (error) => {
    ok(error instanceof ClientError);
    strictEqual(error.code, "Unreachable");
    match(error.message, says);
    return true;
  });
}

Deno.test("what is asked for arrives as it was asked, and so does the answer", async () => {
  const seen: string[] = [];
  await serving(async (request) => {
    const { pathname, search } = new URL(request.url.replace(/^http\+unix/, "http"));
    seen.push(`${request.method} ${pathname}${search} ${await request.text()}`);
    return Response.json(["ü".repeat(100_000)]);
  }, async (client) => {
    deepStrictEqual(
      await client.ask("GET /v1/keys", { query: { component: "a b", gvr: "pods.v1.core" } }),
      ["ü".repeat(100_000)],
    );
    await client.ask("POST /v1/delete-unclaimed", { body: '["/ü"]' });
    await client.ask("POST /v1/reconcile", { query: REQUEST });
    deepStrictEqual(seen.filter((line) => !line.includes("/healthz")), [
      "GET /v1/keys?component=a+b&gvr=pods.v1.core ",
      'POST /v1/delete-unclaimed ["/ü"]',
      "POST /v1/reconcile?dryRun=false&confirmDeletes=true&requireSingleTxn=false ",
    ]);
  });
});

Deno.test("NodeClient takes no verb, parameter or member of an answer that the API does not have", async () => {
  await serving(() => Response.json([]), async (client) => {
    const keys: Answers["Keys"] = await client.ask("GET /v1/keys");
    deepStrictEqual(keys, []);
    // @ts-expect-error: the compiler refuses each of these, and the client sends it all the same.
    await client.ask("POST /v1/keys");
    // @ts-expect-error: likewise
    await client.ask("GET /v1/keys", { query: { key: "/a" } });
    // @ts-expect-error: likewise
    strictEqual((await client.ask("GET /v1/verify")).keyes, undefined);
  });
});

Deno.test("an error is told with its code; what is no API is told too", async () => {
  const refused = Response.json({ code: "NotReady", message: "no etcd" }, { status: 503 });
  await serving(() => refused, async (client) => {
    await rejects(client.ask("GET /v1/verify"), { code: "NotReady", message: "no etcd" });
  });
  await serving(() => new Response("hello"), async (client) => {
    await unreachable(client.ask("GET /v1/keys"), /does not speak edgekeyd's API/);
  });
});

Deno.test("a daemon that is silent is given up, whatever it was asked for", async () => {
  await serving(() => NEVER, async (client) => {
    const silent = /^no answer on .*: the daemon has been silent for 2 s; .* restart it/;
    const calls = [
      client.ask("GET /v1/keys"),
      client.ask("GET /v1/owners", { query: { key: "/a" } }),
      client.ask("GET /v1/verify"),
      client.ask("GET /v1/status", { timeoutMs: 2_000 }),
      client.ask("POST /v1/reconcile", { query: REQUEST }),
      client.ask("DELETE /v1/components/{component}", { path: { component: "a" } }),
      client.ask("POST /v1/delete-unclaimed", { body: "[]" }),
      client.ask("POST /v1/import-key-cache", { body: "" }),
      client.ask("POST /v1/retire"),
    ];
    await Promise.all(calls.map((call) => unreachable(call, silent)));
  });
});

Deno.test("a daemon at work is waited for as long as it shows that it is alive", async () => {
  const alive = async (request: Request) => {
    if (request.url.includes("/healthz")) return Response.json({ alive: true });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    return Response.json({ deleted: 7 });
  };
  await serving(alive, async (client) => {
    strictEqual((await client.ask("POST /v1/retire")).deleted, 7);
  });
});

Deno.test("nobody there, and an answer that breaks off", async () => {
  using place = new Place();
  const client = new NodeClient(new SocketTransport(place.path, PATIENCE));
  await unreachable(client.ask("GET /v1/keys"), /no answer on .*(ENOENT|No such file)/);
  await unreachable(client.ask("POST /v1/retire"), /no answer on .*(ENOENT|No such file)/);
  Deno.listen({ transport: "unix", path: place.path }).close();
  const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
  for (const bytes of ["", "HTTP/1.1 2", head, `${head}["half"`]) {
    await sending(bytes, async (client) => {
      await unreachable(client.ask("GET /v1/keys"), /no answer on /);
      await unreachable(client.ask("POST /v1/retire"), /no answer on /);
    });
  }
});

Deno.test("an answer without end is given up, with a length of its own or without, and no more of it is kept", async () => {
  const chunk = new Uint8Array(1024 * 1024).fill(0x20);
  for (const headers of [{}, { "content-length": String(2 ** 40) }]) {
    let sent = 0;
    const endless = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += chunk.length;
            controller.enqueue(chunk);
          },
        }),
        { headers },
      );
    await serving(endless, async (client) => {
      await rejects(
        client.ask("GET /v1/components"),
        /no answer on .*: the answer is larger than 67108864 bytes$/,
      );
    });
    ok(sent < 2 ** 28, String(sent));
  }
});
