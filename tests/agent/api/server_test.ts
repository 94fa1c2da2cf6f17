import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import {
  API_LIMITS,
  type ApiLimits,
  dispatcher,
  serveSocket,
  SocketError,
} from "../../../lib/agent/api/mod.ts";
import { OpenRequests } from "../../../lib/agent/api/open_requests.ts";
import type { Route } from "../../../lib/agent/api/route.ts";
import { EdgekeydError } from "../../../lib/errors.ts";

/** A directory for sockets, gone with the test. */
class SocketDirectory implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "edgekeyd-api-" });
  readonly path = `${this.root}/api.sock`;

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

const ANSWER = { description: "", schema: {} };

/** Routes that do nothing but what limits are about. */
function routesWith(gate: Promise<void>): Route[] {
  const base = { summary: "", answers: { 200: ANSWER }, errors: [] };
  return [
    {
      ...base,
      method: "PUT",
      path: "/bytes/{name}",
      id: "bytes",
      body: ANSWER,
      answer: ({ body, path }) => ({
        status: 200,
        body: { bytes: body.length, name: path.get("name") },
      }),
    },
    {
      ...base,
      method: "GET",
      path: "/waits",
      id: "waits",
      async answer({ signal }) {
        const { promise, reject } = Promise.withResolvers<never>();
        signal.addEventListener("abort", () => reject(new EdgekeydError("Unknown", "too slow")));
        await Promise.race([gate, promise]);
        return { status: 200, body: {} };
      },
    },
    {
      ...base,
      method: "POST",
      path: "/bare",
      id: "bare",
      query: [{ name: "dryRun", kind: "boolean", description: "" }, {
        name: "name",
        kind: "text",
        description: "",
      }],
      answer: () => ({ status: 200, body: { done: true } }),
    },
    {
      ...base,
      method: "GET",
      path: "/at-once",
      id: "at-once",
      atOnce: true,
      answer: () => ({ status: 200, body: "alive", type: "text/plain" }),
    },
    {
      ...base,
      method: "GET",
      path: "/defect",
      id: "defect",
      answer() {
        throw new RangeError("secret");
      },
    },
  ];
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

interface Served {
  ask(method: string, path: string, body?: BodyInit, headers?: HeadersInit): Promise<Answered>;
  readonly path: string;
  readonly open: () => void;
}

async function serving(
  limits: Partial<ApiLimits>,
  work: (served: Served) => Promise<void>,
): Promise<void> {
  using directory = new SocketDirectory();
  const { path } = directory;
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const presentable = (error: unknown) =>
    error instanceof EdgekeydError ? error : new EdgekeydError("Defect", "a defect");
  const answer = dispatcher(routesWith(gate), { ...API_LIMITS, ...limits }, presentable);
  const server = await serveSocket(path, answer);
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  try {
    await work({
      path,
      open,
      async ask(method, target, body, headers = { "content-type": "application/json" }) {
        const init = { method, client, ...(body !== undefined && { body, headers }) };
        const response = await fetch(`http://x${target}`, init);
        const { status, headers: answered } = response;
        return { status, text: await response.text(), headers: answered };
      },
    });
  } finally {
    open();
    client.close();
    await server.close();
  }
}

function codeOf({ status, text }: Pick<Answered, "status" | "text">): string {
  const { code, message } = JSON.parse(text);
  ok(typeof message === "string" && message !== "" && !message.includes("\n"));
  return `${status} ${code}`;
}

/** Sends bytes as they are; answers what comes back until the server closes, or for a while. */
async function raw(path: string, text: string, waitMs = 3_000): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(text));
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), waitMs);
  const buffer = new Uint8Array(64 * 1024);
  const reading = connection.read(buffer);
  reading.catch(() => {});
  const length = await Promise.race([reading, late]);
  clearTimeout(timer);
  return new TextDecoder().decode(buffer.subarray(0, length ?? 0));
}

Deno.test("a body is taken up to the limit, and refused beyond, announced or not", async () => {
  await serving({ maxBodyBytes: 1_000 }, async ({ ask }) => {
    deepStrictEqual(JSON.parse((await ask("PUT", "/bytes/a", "x".repeat(1_000))).text), {
      bytes: 1_000,
      name: "a",
    });
    strictEqual(codeOf(await ask("PUT", "/bytes/a", "x".repeat(1_001))), "413 TooLarge");
    const chunks = ReadableStream.from(Array.from({ length: 20 }, () => new Uint8Array(100)));
    strictEqual(codeOf(await ask("PUT", "/bytes/a", chunks)), "413 TooLarge");
    strictEqual(codeOf(await ask("PUT", "/bytes/a")), "422 NoContent");
  });
});

Deno.test("all bodies together are limited too, and what is done is given back", async () => {
  const limits = { maxBodyBytes: 1_000, maxBodiesBytes: 1_500, waitMs: 100 };
  await serving(limits, async ({ ask, path }) => {
    // Ten thousand bytes in all, one after another.
    for (let round = 0; round < 10; round++) {
      strictEqual((await ask("PUT", "/bytes/a", "x".repeat(1_000))).status, 200);
    }
    using stalled = await Deno.connect({ transport: "unix", path });
    const head = "PUT /bytes/a HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n";
    await stalled.write(new TextEncoder().encode(head + "x".repeat(800)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const refused = await ask("PUT", "/bytes/a", "x".repeat(900));
    strictEqual(codeOf(refused), "429 TooManyRequests");
    strictEqual(refused.headers.get("retry-after"), "1");
    await stalled.write(new TextEncoder().encode("x".repeat(100)));
    await stalled.read(new Uint8Array(1_024));
    strictEqual((await ask("PUT", "/bytes/a", "x".repeat(900))).status, 200);
  });
});

Deno.test("a body for which there is no room yet waits for it", async () => {
  const limits = { maxBodyBytes: 1_000, maxBodiesBytes: 1_500, waitMs: 60_000 };
  await serving(limits, async ({ ask, path }) => {
    using stalled = await Deno.connect({ transport: "unix", path });
    const head = "PUT /bytes/a HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n";
    await stalled.write(new TextEncoder().encode(head + "x".repeat(800)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const waiting = [1, 2].map(() => ask("PUT", "/bytes/a", "x".repeat(900)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await stalled.write(new TextEncoder().encode("x".repeat(100)));
    for (const { status, text } of await Promise.all(waiting)) strictEqual(status, 200, text);
  });
});

Deno.test("a client that is slow to send is given up", async () => {
  await serving({ bodyTimeoutMs: 200 }, async ({ ask, path }) => {
    const head = "PUT /bytes/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc";
    match(await raw(path, head), /^HTTP\/1\.1 408 .*"code":"RequestTimeout"/s);
    strictEqual((await ask("PUT", "/bytes/a", "abc")).status, 200);
  });
});

Deno.test("a body where none is taken is refused, and read no further than that", async () => {
  await serving({ bodyTimeoutMs: 200 }, async ({ ask, path }) => {
    const refused = await ask("POST", "/bare", '{"dryRun":true}');
    deepStrictEqual([refused.status, JSON.parse(refused.text)], [400, {
      code: "BadRequest",
      message: "POST /bare takes no body; use ?dryRun=true, ?name=…",
    }]);
    const head = (method: string, target: string, more: string) =>
      `${method} ${target} HTTP/1.1\r\nHost: x\r\n${more}`;
    const chunked = "Transfer-Encoding: chunked\r\n\r\n";
    const bodies = ["Content-Length: 3\r\n\r\nabc", `${chunked}3\r\nabc\r\n0\r\n\r\n`];
    // Announced and never sent, begun and never ended, never begun.
    bodies.push("Content-Length: 99999999999\r\n\r\n", `${chunked}3\r\nabc\r\n`, chunked);
    for (const body of bodies) {
      for (const [method, target] of [["POST", "/bare"], ["GET", "/at-once"], ["GET", "/waits"]]) {
        const answered = await raw(path, head(method ?? "", target ?? "", body));
        match(answered, /^HTTP\/1\.1 400 .*"code":"BadRequest".*takes no body/s);
      }
    }
    for (const empty of ["\r\n", "Content-Length: 0\r\n\r\n", `${chunked}0\r\n\r\n`]) {
      match(await raw(path, head("POST", "/bare", empty)), /^HTTP\/1\.1 200 .*"done":true/s);
    }
    strictEqual((await ask("GET", "/at-once")).text, "alive");
  });
});

Deno.test("open requests are limited, but not those that are answered at once", async () => {
  await serving({ maxOpen: 2, waitMs: 100 }, async ({ ask, open }) => {
    const waiting = [ask("GET", "/waits"), ask("GET", "/waits")];
    await new Promise((resolve) => setTimeout(resolve, 100));
    const refused = await ask("GET", "/waits");
    strictEqual(codeOf(refused), "429 TooManyRequests");
    strictEqual(refused.headers.get("retry-after"), "1");
    strictEqual((await ask("GET", "/at-once")).text, "alive");
    open();
    deepStrictEqual((await Promise.all(waiting)).map(({ status }) => status), [200, 200]);
    strictEqual((await ask("GET", "/waits")).status, 200);
  });
});

Deno.test("OpenRequests: one beyond the limit waits for its turn, and one beyond those is refused", async () => {
  const limits = { maxOpen: 1, maxWaiting: 2, waitMs: 60_000 };
  await serving(limits, async ({ ask, open }) => {
    const answered = [ask("GET", "/waits"), ask("GET", "/waits"), ask("GET", "/waits")];
    const fourth = () => ask("GET", "/waits");
    // The three may come in any order, and after the fourth.
    await new Promise((resolve) => setTimeout(resolve, 300));
    strictEqual(codeOf(await fourth()), "429 TooManyRequests");
    open();
    deepStrictEqual((await Promise.all(answered)).map(({ status }) => status), [200, 200, 200]);
    strictEqual((await fourth()).status, 200);
  });
});

Deno.test("API_LIMITS: of three times as many short requests as are worked on at once each is answered", async () => {
  await serving({}, async ({ ask }) => {
    const burst = Array.from({ length: 3 * API_LIMITS.maxOpen }, () => ask("POST", "/bare"));
    for (const { status, text } of await Promise.all(burst)) strictEqual(status, 200, text);
  });
});

Deno.test("OpenRequests lets in who has waited longest, and one that gave up leaves no place taken", async () => {
  const requests = new OpenRequests({ maxOpen: 1, maxWaiting: 3, waitMs: 20 });
  await requests.enter();
  await rejects(requests.enter(), /1 requests are open/);
  const entered: string[] = [];
  const [first, second] = ["first", "second"].map(async (name) => {
    await requests.enter();
    entered.push(name);
  });
  requests.leave();
  await first;
  deepStrictEqual(entered, ["first"]);
  requests.leave();
  await second;
  requests.leave();
  await requests.enter();
  await rejects(requests.enter());
});

Deno.test("a body of another media type than the route takes is refused, however it is written", async () => {
  await serving({}, async ({ ask, path }) => {
    const put = (headers: HeadersInit) => ask("PUT", "/bytes/a", new Uint8Array(1), headers);
    const taken = [
      "application/json",
      "Application/JSON",
      "application/json;charset=utf-8",
      'application/json; charset="UTF-8"',
      "application/json ; Charset=UTF-8 ;",
    ];
    for (const type of taken) strictEqual((await put({ "content-type": type })).status, 200, type);
    // Who says nothing is taken at the body's word.
    strictEqual((await put({})).status, 200);
    const refused = [
      "text/plain",
      "text/plain;charset=UTF-8",
      "application/x-www-form-urlencoded",
      "application/vnd.kubernetes.protobuf",
      "application/yaml",
      "application/jsonp",
      "application/json; charset=latin1",
      "application/json, text/plain",
      "json",
      ";",
    ];
    for (const type of refused) {
      const answered = await put({ "content-type": type });
      strictEqual(codeOf(answered), "415 UnsupportedMediaType", type);
      match(answered.text, /send the header Content-Type: application\/json/);
      strictEqual(answered.headers.get("accept"), "application/json");
    }
    const packed = { "content-type": "application/json", "content-encoding": "gzip" };
    strictEqual(codeOf(await put(packed)), "415 UnsupportedMediaType");
    // It is told before the body has come, and whatever is left of it does not break the answer off.
    const head = "PUT /bytes/a HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n";
    match(await raw(path, `${head}Content-Length: 9999\r\n\r\n<`), /^HTTP\/1\.1 415 /);
  });
});

Deno.test("HEAD is answered as GET is, without the body, and where GET is not it is not taken", async () => {
  await serving({}, async ({ ask, open, path }) => {
    open();
    for (const target of ["/at-once", "/waits", "/nothing", "/waits?x=1", "/defect"]) {
      const [get, head] = [await ask("GET", target), await ask("HEAD", target)];
      strictEqual(head.status, get.status, target);
      strictEqual(head.text, "");
      for (const name of ["content-type", "content-length"]) {
        strictEqual(head.headers.get(name), get.headers.get(name), `${target} ${name}`);
      }
    }
    match(
      await raw(path, "HEAD /at-once HTTP/1.1\r\nHost: x\r\n\r\n"),
      /^HTTP\/1\.1 200 .*\r\n\r\n$/s,
    );
    const refused = await ask("HEAD", "/bare");
    deepStrictEqual([refused.status, refused.headers.get("allow")], [405, "POST"]);
    const deleted = await ask("DELETE", "/at-once");
    deepStrictEqual([deleted.status, deleted.headers.get("allow")], [405, "GET, HEAD"]);
  });
});

Deno.test("a request has a deadline", async () => {
  await serving({ timeoutMs: 100 }, async ({ ask }) => {
    strictEqual(codeOf(await ask("GET", "/waits")), "504 Unknown");
  });
});

Deno.test("paths and queries are read strictly; what is wrong is told apart", async () => {
  await serving({}, async ({ ask, path }) => {
    const cases: [string, string, string][] = [
      ["GET", "/nothing", "404 UnknownPath"],
      ["GET", "/at-once/", "404 UnknownPath"],
      ["GET", "//at-once", "404 UnknownPath"],
      ["DELETE", "/at-once", "405 MethodNotAllowed"],
      ["GET", "/waits?x=1", "400 BadRequest"],
      ["GET", "/waits?=", "400 BadRequest"],
      ["GET", "/defect", "500 Internal"],
    ];
    for (const [method, target, expected] of cases) {
      strictEqual(codeOf(await ask(method, target)), expected, target);
    }
    const lines = async (target: string) =>
      await raw(path, `PUT ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx`);
    match(await lines("/bytes/%zz"), /^HTTP\/1\.1 400 .*"code":"BadRequest"/s);
    match(await lines("/bytes/%ff"), /^HTTP\/1\.1 400 .*"code":"BadRequest"/s);
    // Nothing is normalized: a dot segment is a name like any other here, an encoded slash no slash.
    match(await lines("/bytes/.."), /^HTTP\/1\.1 200 .*"name":"\.\."/s);
    match(await lines("/bytes/a%2Fb"), /^HTTP\/1\.1 200 .*"name":"a\/b"/s);
    match(await lines("/at-once/../bytes/a"), /^HTTP\/1\.1 404 /);
    match(await raw(path, "no http at all\r\n\r\n"), /^HTTP\/1\.1 400 |^$/);
    strictEqual((await ask("GET", "/at-once")).status, 200);
  });
});

Deno.test("a defect is answered in one line that quotes nothing", async () => {
  await serving({}, async ({ ask }) => {
    strictEqual((await ask("GET", "/defect")).text.includes("secret"), false);
  });
});

Deno.test("the socket is the owner's alone, and nothing else is ever in its place removed", async () => {
  using directory = new SocketDirectory();
  const { path } = directory;
  const answer = () => Promise.resolve(new Response("ok"));
  const before = Deno.umask();
  const server = await serveSocket(path, answer);
  strictEqual(Deno.umask(), before);
  const { mode, isSocket } = Deno.lstatSync(path);
  deepStrictEqual([isSocket, (mode ?? 0) & 0o777], [true, 0o600]);
  await rejects(
    serveSocket(path, answer),
    (error) => error instanceof SocketError && /another process answers there/.test(error.message),
  );
  await server.close();

  // What a process leaves that is killed: a socket that nobody answers on.
  const stale = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--unstable-net",
      `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} }); Deno.exit(0);`,
    ],
  });
  strictEqual((await stale.output()).code, 0);
  strictEqual(Deno.lstatSync(path).isSocket, true);
  await (await serveSocket(path, answer)).close();

  Deno.writeTextFileSync(path, "precious");
  await rejects(serveSocket(path, answer), /something else stands there/);
  strictEqual(Deno.readTextFileSync(path), "precious");
  await rejects(serveSocket(`${path}/below`, answer), SocketError);
  const deep = `${directory.root}/made/for/it/api.sock`;
  await (await serveSocket(deep, answer)).close();
});
