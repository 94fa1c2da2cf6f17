import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { cpSync } from "node:fs";
import { EdgeNode, EtcdView, objectBytes } from "../e2e/_node.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { startProxy } from "../support/tcp_proxy.ts";
import { type DaemonProcess, ready, startDaemon, until } from "./_daemon.ts";

/** With these nothing is due for ten minutes, and no pass tries etcd sooner than in an hour. */
const IDLE = ["--settle-time=200ms", "--retry-max=1h"];
const OBJECT = "/v1/components/app/resources/configmaps.v1.core/namespaces/default/objects/one";

/** Two pods in step, and a daemon that is at rest. */
async function idle(node: EdgeNode, args: readonly string[] = []): Promise<DaemonProcess> {
  for (const name of ["a", "b"]) node.write(`kubelet/pods.v1.core/default/${name}`);
  const daemon = await startDaemon(node, [...IDLE, ...args]);
  await ready(daemon);
  await rest();
  return daemon;
}

/** What is young is looked at once more, and what was not watched yet. */
const rest = (ms = 3_000) => new Promise((resolve) => setTimeout(resolve, ms));
const pod = (node: EdgeNode, name: string) => `${node.prefix}/pods/default/${name}`;

/** Fills an etcd that was emptied: never in step before that. */
async function filled(node: EdgeNode, daemon: DaemonProcess, server: EtcdServer): Promise<void> {
  using etcd = new EtcdView(server);
  let wasReady = false;
  await until("filled again", async () => {
    const { status } = await daemon.ask("GET", "/readyz");
    const isFilled = (await etcd.keys(node.prefix)).size === 2;
    wasReady ||= status === 200 && !isFilled;
    return isFilled;
  });
  strictEqual(wasReady, false, "ready before it was filled");
  await ready(daemon);
}

Deno.test("a daemon at rest finds an etcd that came back empty, without a question or a pass", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  await using daemon = await idle(node);
  for (let round = 0; round < 2; round++) {
    await server.kill();
    await until("away", async () => (await daemon.ask("GET", "/readyz")).status === 503);
    match((await daemon.ask("GET", "/metrics")).text, /^edgekeyd_etcd_up 0$/m);
    // It would be asked again by a pass in an hour.
    await rest(4_000);
    await server.start({ wipe: true });
    await filled(node, daemon, server);
  }
  const { stderr } = await daemon.stop();
  match(stderr, /etcd came back empty or older than the cache/);
});

Deno.test("a daemon at rest finds an etcd that was put back to an older state", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  using etcd = new EtcdView(server);
  await using daemon = await idle(node);
  const isNewer = async () =>
    (await etcd.keys(node.prefix)).get(pod(node, "b"))?.value.includes('"2"') ?? false;
  const copy = Deno.makeTempDirSync({ prefix: "edgekeyd-etcd-copy-" });
  try {
    await server.kill("SIGTERM");
    cpSync(server.dataDir, copy, { recursive: true });
    await server.start();
    node.write("kubelet/pods.v1.core/default/b", { rv: 2 });
    await until("newer", isNewer);
    await server.kill("SIGTERM");
    Deno.removeSync(server.dataDir, { recursive: true });
    cpSync(copy, server.dataDir, { recursive: true });
    await server.start();
    await until("newer again", isNewer);
    await ready(daemon);
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
});

Deno.test("a daemon at rest finds another cluster behind its endpoint, and says which", async () => {
  await using first = await startEtcd();
  await using second = await startEtcd();
  await using proxy = startProxy(first.port);
  using node = new EdgeNode(proxy.endpoint);
  using etcd = new EtcdView(second);
  await using daemon = await idle(node);
  proxy.passage.serverPort = second.port;
  await first.kill();
  await until("filled", async () => (await etcd.keys(node.prefix)).size === 2);
  await ready(daemon);
  deepStrictEqual((await daemon.status()).conditions.map(({ condition }) => condition), [
    "cluster-changed",
  ]);
});

Deno.test("a held key that somebody deletes comes back; of others' keys nobody takes notice", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  using etcd = new EtcdView(server);
  await using daemon = await idle(node);
  const before = (await etcd.keys(node.prefix)).get(pod(node, "a"));
  await etcd.raw.delete().key(pod(node, "a"));
  await until("back", async () => (await etcd.keys(node.prefix)).has(pod(node, "a")));
  const after = (await etcd.keys(node.prefix)).get(pod(node, "a"));
  deepStrictEqual(after?.value, before?.value);
  strictEqual((await etcd.keys(node.prefix)).get(pod(node, "b"))?.mod, before?.mod, "untouched");

  // All of them in one Txn, and a put of another's in the place of one.
  await etcd.raw.delete().prefix(node.prefix);
  await etcd.put(pod(node, "b"), objectBytes("kubelet/pods.v1.core/default/b", { rv: 9 }));
  const put = (await etcd.keys(node.prefix)).get(pod(node, "b"))?.mod;
  await until("back", async () => (await etcd.keys(node.prefix)).has(pod(node, "a")));
  await rest();
  strictEqual((await etcd.keys(node.prefix)).get(pod(node, "b"))?.mod, put);

  await etcd.raw.put(`${node.prefix}/pods/default/z`).value("x");
  await etcd.raw.put(`${node.prefix}/pods/default/y`).value("x");
  const deleted = await etcd.raw.delete().prefix(`${node.prefix}/pods/default/z`);
  await rest();
  strictEqual(await etcd.revision(), deleted.header.revision);
  await ready(daemon);
});

Deno.test("a key that nobody holds any more is not put back, nor is one that this node deleted itself", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  using etcd = new EtcdView(server);
  await using daemon = await idle(node, ["--debounce=50ms"]);
  await etcd.raw.delete().key(pod(node, "a"));
  node.remove("kubelet/pods.v1.core/default/a");
  await until("let go", async () => (await daemon.status()).keys === 1);
  await rest();
  strictEqual((await etcd.keys(node.prefix)).has(pod(node, "a")), false);

  node.remove("kubelet/pods.v1.core/default/b");
  await until("deleted", async () => (await etcd.keys(node.prefix)).size === 0);
  const reads = async () =>
    /^edgekeyd_etcd_range_duration_seconds_count (\d+)$/m
      .exec((await daemon.ask("GET", "/metrics")).text)?.[1];
  await rest(1_000);
  const before = await reads();
  await rest();
  strictEqual(await reads(), before, "its own deletes wake nobody");
  // What the API wrote has no file: there is nothing to put back.
  const body = objectBytes("app/configmaps.v1.core/default/one", {});
  strictEqual((await daemon.ask("POST", OBJECT, new TextDecoder().decode(body))).status, 201);
  await etcd.raw.delete().prefix(`${node.prefix}/configmaps/`);
  await until("dropped", async () => (await daemon.status()).keys === 0);
});

Deno.test("a fence that somebody deletes or writes to is found at once", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  using etcd = new EtcdView(server);
  await using daemon = await idle(node);
  const fence = `/edgekeyd/${node.name}/fence`;
  await etcd.raw.delete().key(fence);
  await until("written anew", async () => (await etcd.keys(fence)).has(fence));
  await ready(daemon);
  await rest();
  await etcd.put(fence, "another-life/7/0123456789abcdef");
  const ended = await daemon.ended;
  strictEqual(ended.code, 1, ended.stderr);
  match(ended.stderr, /another state directory wrote to etcd under this node name/);
});

Deno.test("a watch that etcd refuses is said, and etcd is asked now and then instead", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const passwordFile = `${node.root}/password`;
  Deno.writeTextFileSync(passwordFile, "secret");
  const grant = async (view: EtcdView, from: string, to: string) => {
    await view.raw.auth.roleGrantPermission({
      name: "pods-only",
      perm: { permType: "Readwrite", key: Buffer.from(from), range_end: Buffer.from(to) },
    });
  };
  using etcd = new EtcdView(server);
  const { auth } = etcd.raw;
  await auth.userAdd({ name: "root", password: "root" });
  await auth.userGrantRole({ user: "root", role: "root" });
  await auth.userAdd({ name: "node", password: "secret" });
  await auth.roleAdd({ name: "pods-only" });
  await grant(etcd, `${node.prefix}/pods/`, `${node.prefix}/pods0`);
  await grant(etcd, "/edgekeyd/", "/edgekeyd0");
  await auth.userGrantRole({ user: "node", role: "pods-only" });
  await auth.authEnable();
  await using daemon = await idle(node, [
    "--etcd-username=node",
    `--etcd-password-file=${passwordFile}`,
  ]);
  const { state, conditions } = await daemon.status();
  strictEqual(state, "in-step");
  // A password without TLS is a condition, too.
  const said = conditions.find(({ condition }) => condition === "etcd-unwatched");
  match(said?.items[0]?.reason ?? "", /denied permission to read .* role pods-only/);
  await server.kill();
  await until("away", async () => (await daemon.ask("GET", "/readyz")).status === 503, 60_000);
  await server.start();
  await ready(daemon);
});

Deno.test("a connection that went deaf is found out, and what was deleted meanwhile comes back", async () => {
  await using server = await startEtcd();
  await using proxy = startProxy(server.port);
  using node = new EdgeNode(proxy.endpoint);
  using etcd = new EtcdView(server);
  await using daemon = await idle(node);
  proxy.passage.deafAfterBytes = 0;
  await until("away", async () => (await daemon.ask("GET", "/readyz")).status === 503, 60_000);
  await etcd.raw.delete().key(pod(node, "a"));
  proxy.passage.deafAfterBytes = Infinity;
  await ready(daemon);
  strictEqual((await etcd.keys(node.prefix)).has(pod(node, "a")), true);
});

Deno.test("a new client watches anew", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  using etcd = new EtcdView(server);
  await using daemon = await idle(node);
  daemon.kill("SIGHUP");
  await rest();
  await etcd.raw.delete().key(pod(node, "a"));
  await until("back", async () => (await etcd.keys(node.prefix)).has(pod(node, "a")));
});
