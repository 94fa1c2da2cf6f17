import { match, ok, rejects, strictEqual } from "node:assert/strict";
import * as grpc from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { Etcd3, type IOptions } from "etcd3";
import { connect } from "../../lib/etcd/connect.ts";
import type { Etcd } from "../../lib/etcd/etcd.ts";
import { TestAuthority } from "../support/certificates.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { failure, withClient } from "./client.ts";

const PASSWORD = "s3cret, with spaces and ü";
const ROOT_PASSWORD = "root";

/** Runs with the right to do anything. */
async function asRoot(options: IOptions, use: (admin: Etcd3) => Promise<void>): Promise<void> {
  const admin = new Etcd3(options);
  try {
    await use(admin);
  } finally {
    admin.close();
  }
}

/** Turns authentication on; user `node` may read and write below `/registry/` alone. */
async function enableAuth(options: IOptions): Promise<void> {
  await asRoot(options, async ({ auth }) => {
    await auth.userAdd({ name: "root", password: ROOT_PASSWORD });
    await auth.userGrantRole({ user: "root", role: "root" });
    await auth.userAdd({ name: "node", password: PASSWORD });
    await auth.roleAdd({ name: "writer" });
    await auth.roleGrantPermission({
      name: "writer",
      perm: {
        permType: "Readwrite",
        key: Buffer.from("/registry/"),
        range_end: Buffer.from("/registry0"),
      },
    });
    await auth.userGrantRole({ user: "node", role: "writer" });
    await auth.authEnable();
  });
}

/** etcd3's own login would leave a channel open. */
function withToken(token: string): grpc.CallOptions {
  const interceptor: grpc.Interceptor = (options, nextCall) =>
    new grpc.InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        metadata.set("token", token);
        next(metadata, listener);
      },
    });
  return { interceptors: [interceptor] };
}

function put(key: string) {
  return { success: [{ request_put: { key: Buffer.from(key) } }] };
}

function get(key: string) {
  return { key: Buffer.from(key) };
}

/** A client of user `node`. */
async function withUser(
  server: EtcdServer,
  use: (etcd: Etcd) => Promise<void>,
  password = PASSWORD,
): Promise<void> {
  const passwordFile = Deno.makeTempFileSync({ prefix: "edgekeyd-password-" });
  try {
    Deno.writeTextFileSync(passwordFile, `${password}\n`);
    const endpoints = [server.endpoint];
    await withClient({ endpoints, username: "node", passwordFile }, use);
  } finally {
    Deno.removeSync(passwordFile);
  }
}

/** How many calls of a gRPC method etcd has seen since it started. */
async function callsSeen(server: EtcdServer, method: string): Promise<number> {
  const metrics = await (await fetch(`${server.endpoint}/metrics`)).text();
  const line = new RegExp(`^grpc_server_started_total{grpc_method="${method}".*} (\\d+)$`, "m");
  return Number(line.exec(metrics)?.[1] ?? 0);
}

Deno.test("auth: a user reads and writes what the role allows, with one login", async () => {
  await using server = await startEtcd();
  await enableAuth({ hosts: server.endpoint });
  await withUser(server, async (etcd) => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => etcd.txn(put(`/registry/pods/default/p${i}`))),
    );
    strictEqual((await etcd.range(get("/registry/pods/default/p0"))).count, "1");
    strictEqual(await etcd.hasNoSpaceAlarm(), false);
    strictEqual(await callsSeen(server, "Authenticate"), 1);

    for (const call of [() => etcd.txn(put("/other")), () => etcd.range(get("/other"))]) {
      const error = await failure(call());
      strictEqual(error.reason, "permission-denied", error.message);
      strictEqual(error.outcome, "not-applied");
      match(error.message, /(read|write) \/other to user "node" \(--etcd-username, role writer\)/);
    }
    strictEqual(await callsSeen(server, "Authenticate"), 1);
  });
});

/** As a Txn of a commit: what it writes is nested. */
function nestedPut(key: string) {
  return { success: [{ request_txn: put(key) }] };
}

Deno.test("auth: whether keys may be written is asked once, not before each Txn; others are still asked about", async () => {
  await using server = await startEtcd();
  await enableAuth({ hosts: server.endpoint });
  await withUser(server, async (etcd) => {
    const [first, last] = ["/registry/pods/default/a", "/registry/pods/default/z"] as const;
    await etcd.txn({ success: [first, last].map((key) => nestedPut(key).success).flat() });
    const before = await callsSeen(server, "Txn");
    for (let i = 0; i < 20; i++) await etcd.txn(nestedPut(`/registry/pods/default/p${i}`));
    strictEqual(await callsSeen(server, "Txn") - before, 20);

    for (const key of ["/other/pods/default/p0", "/registryX/a", "/a"]) {
      const { reason, outcome } = await failure(etcd.txn(nestedPut(key)));
      strictEqual(`${key} ${reason} ${outcome}`, `${key} permission-denied not-applied`);
    }
    // What was denied may mean that roles are others now.
    const after = await callsSeen(server, "Txn");
    await etcd.txn(nestedPut(first));
    strictEqual(await callsSeen(server, "Txn") - after, 2);
  });
});

Deno.test("auth: a wrong password is one login and one clear error", async () => {
  await using server = await startEtcd();
  await enableAuth({ hosts: server.endpoint });
  await withUser(server, async (etcd) => {
    const errors = await Promise.all([1, 2, 3].map(() => failure(etcd.txn(put("/registry/a")))));
    for (const error of errors) {
      strictEqual(error.reason, "unauthenticated", error.message);
      strictEqual(error.outcome, "not-applied");
      match(error.message, /refused to log in user "node": .*--etcd-password-file/);
      strictEqual(error.message.includes("wrong!"), false);
    }
    strictEqual(await callsSeen(server, "Authenticate"), 1);
    strictEqual(await callsSeen(server, "Txn"), 0);
  }, "wrong!");
});

Deno.test("auth: no user at all", async () => {
  await using server = await startEtcd();
  await enableAuth({ hosts: server.endpoint });
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    const error = await failure(etcd.txn(put("/registry/a")));
    strictEqual(error.reason, "unauthenticated", error.message);
    match(error.message, /give --etcd-username and --etcd-password-file/);
  });
});

Deno.test("auth: an expired token costs one login and one more attempt", async () => {
  await using server = await startEtcd({ args: ["--auth-token=simple", "--auth-token-ttl=1"] });
  await enableAuth({ hosts: server.endpoint });
  await withUser(server, async (etcd) => {
    await etcd.txn(put("/registry/a"));
    // etcd looks for expired tokens once a second.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await Promise.all(["a", "b", "c"].map((name) => etcd.txn(put(`/registry/${name}`))));
    strictEqual(await callsSeen(server, "Authenticate"), 2);
    ok(await callsSeen(server, "Txn") <= 1 + 3 * 2);
    strictEqual((await etcd.range(get("/registry/a"))).kvs[0]?.version, "2");
  });
});

Deno.test("auth: etcd restarted may have forgotten the token", async () => {
  await using server = await startEtcd();
  await enableAuth({ hosts: server.endpoint });
  await withUser(server, async (etcd) => {
    await etcd.txn(put("/registry/a"));
    await server.kill();
    await server.start();
    await etcd.txn(put("/registry/a"));
    strictEqual((await etcd.range(get("/registry/a"))).kvs[0]?.version, "2");
    // None, if it found the token in its log again.
    ok(await callsSeen(server, "Authenticate") <= 1);
  });
});

Deno.test("auth: a signed token is renewed after the roles have changed", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-jwt-" });
  try {
    const { certFile, keyFile } = new TestAuthority(directory, "ca").issue({ name: "jwt" });
    const token = `jwt,pub-key=${certFile},priv-key=${keyFile},sign-method=RS256,ttl=10m`;
    await using server = await startEtcd({ args: [`--auth-token=${token}`] });
    await enableAuth({ hosts: server.endpoint });
    await withUser(server, async (etcd) => {
      await etcd.txn(put("/registry/a"));
      await asRoot({ hosts: server.endpoint }, async ({ auth }) => {
        const { token } = await auth.authenticate({ name: "root", password: ROOT_PASSWORD });
        await auth.roleAdd({ name: "another" }, withToken(token));
      });
      await etcd.txn(put("/registry/a"));
      strictEqual((await etcd.range(get("/registry/a"))).kvs[0]?.version, "2");
    });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("auth: a user is given, and etcd has authentication turned off, then on", async () => {
  await using server = await startEtcd();
  await withUser(server, async (etcd) => {
    await etcd.txn(put("/anywhere"));
    await enableAuth({ hosts: server.endpoint });
    await etcd.txn(put("/registry/a"));
    strictEqual((await failure(etcd.txn(put("/anywhere")))).reason, "permission-denied");
  });
});

Deno.test("auth: a client certificate's common name is the user", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-cn-" });
  try {
    const ca = new TestAuthority(directory, "ca");
    const own = ca.issue({ name: "server", hosts: ["localhost", "127.0.0.1"] });
    await using server = await startEtcd({ scheme: "https", args: ca.etcdFlags(own) });
    const root = ca.issue({ name: "root" });
    await enableAuth({
      hosts: `https://localhost:${server.port}`,
      credentials: {
        rootCertificate: Buffer.from(Deno.readFileSync(ca.caFile)),
        certChain: Buffer.from(Deno.readFileSync(root.certFile)),
        privateKey: Buffer.from(Deno.readFileSync(root.keyFile)),
      },
    });
    const files = { caFile: ca.caFile, ...ca.issue({ name: "node" }) };
    await withClient({ endpoints: [server.endpoint], ...files }, async (etcd) => {
      await etcd.txn(put("/registry/a"));
      const error = await failure(etcd.txn(put("/other")));
      strictEqual(error.reason, "permission-denied", error.message);
      match(
        error.message,
        /write \/other to user "node" \(the common name in .*node\.crt, role writer\)/,
      );
    });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("auth: password files that can't work", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-password-" });
  const refuse = async (content: string | Uint8Array, message: RegExp) => {
    const passwordFile = `${directory}/password`;
    Deno.writeFileSync(
      passwordFile,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    const options = { endpoints: ["http://127.0.0.1:1"], timeoutMs: 1000, username: "node" };
    await rejects(connect({ ...options, passwordFile }), { code: "EtcdConfig", message });
  };
  try {
    await refuse("", /--etcd-password-file: .* is empty/);
    await refuse("\n", /is empty/);
    await refuse("x".repeat(4097), /larger than 4096 bytes/);
    await refuse(new Uint8Array([0xff, 0xfe]), /is not UTF-8/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
