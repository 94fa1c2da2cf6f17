import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { API_LIMITS, type ApiLimits, dispatcher, serveSocket } from "../../../lib/agent/api/mod.ts";
import type { Route } from "../../../lib/agent/api/route.ts";
import { EdgekeydError } from "../../../lib/errors.ts";

const ANSWER = { description: "", schema: {} };
const BIG_BYTES = 64 * 1024 * 1024;

/** Routes that connections are tried with. */
function routesWith(gate: Promise<void>): Route[] {
  const base = { summary: "", answers: { 200: ANSWER }, errors: [] };
  const bytes = { ...base, method: "PUT", path: "/bytes", id: "bytes", body: ANSWER } as const;
  const get = (path: string, answer: Route["answer"]): Route => ({
    ...base,
    method: "GET",
    path,
    id: path,
    answer,
  });
  return [
    { ...bytes, answer: ({ body }) => ({ status: 200, body: { bytes: body.length } }) },
    get("/now", () => ({ status: 200, body: { now: true } })),
    get("/big", () => ({ status: 200, body: new Uint8Array(BIG_BYTES), type: "text/plain" })),
    get("/waits", async () => {
      await gate;
      return { status: 200, body: { waited: true } };
    }),
  ];
}

/** A client that sends bytes as they are. */
class Client implements Disposable {
  readonly #connection: Deno.UnixConn;

  private constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
  }

  static async of(path: string, text = ""): Promise<Client> {
    const client = new Client(await Deno.connect({ transport: "unix", path }));
    await client.send(text);
    return client;
  }

  async send(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** What comes until the other end closes. */
  async rest(): Promise<string> {
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    try {
      for (;;) {
        const length = await this.#connection.read(buffer);
        if (length === null) return text;
        text += new TextDecoder().decode(buffer.subarray(0, length));
      }
    } catch {
      return text;
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

interface Served {
  readonly path: string;
  readonly open: () => void;
  /** One request on its own connection; what comes back. */
  ask(text: string): Promise<string>;
}

async function serving(
  limits: Partial<ApiLimits>,
  work: (served: Served) => Promise<void>,
): Promise<void> {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-api-" });
  const path = `${root}/api.sock`;
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const all = { ...API_LIMITS, ...limits };
  const presentable = (error: unknown) =>
    error instanceof EdgekeydError ? error : new EdgekeydError("Defect", "a defect");
  const server = await serveSocket(path, dispatcher(routesWith(gate), all, presentable), {
    limits: all,
  });
  try {
    await work({
      path,
      open,
      async ask(text) {
        using client = await Client.of(path, text);
        return await client.rest();
      },
    });
  } finally {
    open();
    await server.close();
    Deno.removeSync(root, { recursive: true });
  }
}

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const put = (headers: string, body = "") =>
  `PUT /bytes HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}`;

Deno.test("a connection that has not sent the head of a request in time is ended, however it is sent", async () => {
  await serving({ headTimeoutMs: 300 }, async ({ path, ask }) => {
    for (const part of ["", "G", "GET /now HT", "GET /now HTTP/1.1\r\nHost: x\r\nA: b", "\r\n"]) {
      strictEqual(await ask(part), "", part);
    }
    // One that never stops to send is no better than one that stops.
    using drips = await Client.of(path, "GET /now HTTP/1.1\r\n");
    let isEnded = false;
    const ended = drips.rest().then(() => isEnded = true);
    while (!isEnded) {
      await drips.send("A: b\r\n").catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await ended;
    match(await ask(GET("/now")), /^HTTP\/1\.1 200 .*"now":true/s);
  });
});

Deno.test("a connection takes one request: what follows it is nobody's, however it is framed", async () => {
  await serving({}, async ({ ask }) => {
    const second = GET("/big");
    const answers = [
      await ask(GET("/now") + second),
      await ask(put("Content-Length: 3", `abc${second}`)),
      await ask(put("Transfer-Encoding: chunked", `3\r\nabc\r\n0\r\n\r\n${second}`)),
    ];
    for (const answer of answers) {
      strictEqual(answer.match(/HTTP\/1\.1/g)?.length, 1, answer);
      match(answer, /^HTTP\/1\.1 200 /);
      match(answer, /\r\nconnection: close\r\n/i);
    }
  });
});

Deno.test("a head that could be read in two ways, or is none, is refused", async () => {
  await serving({}, async ({ ask }) => {
    const heads = [
      "GET /now",
      "GET  /now HTTP/1.1\r\nHost: x",
      "GET /now HTTP/2.0\r\nHost: x",
      "G T /now HTTP/1.1\r\nHost: x",
      "GET now HTTP/1.1\r\nHost: x",
      "GET /n\tw HTTP/1.1\r\nHost: x",
      "GET /now HTTP/1.1",
      "GET /now HTTP/1.1\r\nHost: x\r\nHost: x",
      "GET /now HTTP/1.1\r\nHost : x",
      "GET /now HTTP/1.1\r\nHost: x\r\n folded",
      "GET /now HTTP/1.1\r\nHost: x\nA: b",
      "GET /now HTTP/1.1\r\nHost: x\0",
      "PUT /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: +3",
      "PUT /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3",
      "PUT /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3",
      "PUT /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
      "PUT /bytes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked",
      `GET /now HTTP/1.1\r\nHost: x\r\nA: ${"b".repeat(17_000)}`,
    ];
    for (const head of heads) {
      match(await ask(`${head}\r\n\r\nabc`), /^HTTP\/1\.1 400 .*"code":"BadRequest"/s, head);
    }
    match(await ask("GET /now HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200 /);
    match(await ask("GET http://x/now HTTP/1.1\r\nHost: x\r\n\r\n"), /^HTTP\/1\.1 200 /);
    match(await ask("HEAD /now HTTP/1.1\r\nHost: x\r\n\r\n"), /^HTTP\/1\.1 200 .*\r\n\r\n$/s);
  });
});

Deno.test("a body in chunks is put together, and refused if they are not what they say", async () => {
  await serving({ bodyTimeoutMs: 300 }, async ({ path, ask }) => {
    const chunked = (body: string) => ask(put("Transfer-Encoding: chunked", body));
    match(await chunked("3\r\nabc\r\n00A;x=y\r\n0123456789\r\n0\r\nT: u\r\n\r\n"), /"bytes":13/);
    const broken = ["x\r\nabc\r\n", "-1\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n"];
    broken.push(`3;${"x".repeat(2_000)}\r\n`, `0\r\n${"T: u\r\n".repeat(100)}`, "123456789\r\n");
    for (const body of broken) {
      match(await chunked(body), /^HTTP\/1\.1 400 .*"code":"BadRequest"/s, body);
    }
    using byPiece = await Client.of(path, put("Transfer-Encoding: chunked"));
    for (const piece of "3\r\nabc\r\n0\r\n\r\n") await byPiece.send(piece);
    match(await byPiece.rest(), /"bytes":3/);
  });
});

Deno.test("a body that is awaited is asked for, unless its head says enough to refuse it", async () => {
  await serving({ maxBodyBytes: 10 }, async ({ path }) => {
    using client = await Client.of(path, put("Expect: 100-continue\r\nContent-Length: 3"));
    await client.send("abc");
    match(await client.rest(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 .*"bytes":3/s);
    using refused = await Client.of(path, put("Expect: 100-continue\r\nContent-Length: 11"));
    match(await refused.rest(), /^HTTP\/1\.1 413 /);
  });
});

Deno.test("a body that is refused is not read on, and its client still gets the answer", async () => {
  await serving({ maxBodyBytes: 1_000, bodyTimeoutMs: 500 }, async ({ path, ask }) => {
    const endless = [
      put("Content-Length: 99999999999"),
      put("Transfer-Encoding: chunked", `ffffff\r\n`),
      "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
      "GET /now HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    ];
    for (const head of endless) {
      using client = await Client.of(path, head);
      const answer = client.rest();
      let sent = 0;
      const part = "x".repeat(64 * 1024);
      try {
        // Without an end, this test would have none.
        for (;;) {
          await client.send(part);
          sent += part.length;
        }
      } catch {
        ok(sent < 4 * 1024 * 1024, `${sent} bytes were taken`);
      }
      match(await answer, /^HTTP\/1\.1 4\d\d /, head);
    }
    match(await ask(GET("/now")), /^HTTP\/1\.1 200 /);
  });
});

Deno.test("an answer that its client does not take is given up", async () => {
  await serving({ stallTimeoutMs: 300 }, async ({ path }) => {
    using client = await Client.of(path, GET("/big"));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    ok((await client.rest()).length < BIG_BYTES);
    using reader = await Client.of(path, GET("/big"));
    ok((await reader.rest()).length > BIG_BYTES);
  });
});

Deno.test("where no more connections fit, the idlest ends, and never one whose answer is made", async () => {
  await serving({ maxConnections: 4 }, async ({ path, open, ask }) => {
    using atWork = await Client.of(path, GET("/waits"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const idle: Client[] = [];
    for (let count = 0; count < 20; count++) {
      idle.push(await Client.of(path));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    match(await ask(GET("/now")), /^HTTP\/1\.1 200 /);
    deepStrictEqual(
      await Promise.all(idle.slice(0, 16).map((client) => client.rest())),
      Array.from({ length: 16 }, () => ""),
    );
    open();
    match(await atWork.rest(), /"waited":true/);
    for (const client of idle) client[Symbol.dispose]();
  });
});

Deno.test("a socket that somebody removes comes back, and a server that ends removes its own only", async () => {
  await serving({}, async ({ path, ask }) => {
    Deno.removeSync(path);
    for (let asked = ""; asked === "";) {
      asked = await ask(GET("/now")).catch(() => "");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    strictEqual((Deno.lstatSync(path).mode ?? 0) & 0o777, 0o600);
    Deno.removeSync(path);
    Deno.writeTextFileSync(path, "another's");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    strictEqual(Deno.readTextFileSync(path), "another's");
  });
});

Deno.test("a server takes its place back from a socket of a process that is gone, leaves what is another's, and says so", async () => {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-api-" });
  const path = `${root}/api.sock`;
  const said: string[] = [];
  const failed = (reason: string) => said.push(reason);
  const server = await serveSocket(path, () => Promise.resolve(new Response("ok")), { failed });
  const asked = async () => {
    using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
    return await fetch("http://127.0.0.1/", { client }).then((answer) => answer.text(), () => "");
  };
  // A socket in whose place another name stood when it was closed stays, with nobody behind it.
  const gone = Deno.listen({ transport: "unix", path: `${root}/gone` });
  Deno.removeSync(path);
  Deno.renameSync(`${root}/gone`, path);
  gone.close();
  while (await asked() !== "ok") await new Promise((done) => setTimeout(done, 50));
  deepStrictEqual(said, []);

  const another = Deno.listen({ transport: "unix", path: `${root}/another` });
  Deno.removeSync(path);
  Deno.renameSync(`${root}/another`, path);
  while (said.length === 0) await new Promise((done) => setTimeout(done, 50));
  match(said.join(), /api.sock: another process answers there; stop it, or give another --listen$/);
  const others = Deno.lstatSync(path).ino;
  await server.close();
  another.close();
  strictEqual(Deno.lstatSync(path).ino, others);
  Deno.removeSync(root, { recursive: true });
});

Deno.test("a server that ends leaves what another put in its socket's place", async () => {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-api-" });
  const path = `${root}/api.sock`;
  const server = await serveSocket(path, () => Promise.resolve(new Response("ok")));
  Deno.removeSync(path);
  Deno.writeTextFileSync(path, "another's");
  await server.close();
  strictEqual(Deno.readTextFileSync(path), "another's");
  Deno.removeSync(root, { recursive: true });
});
