import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView, objectBytes } from "../e2e/_node.ts";
import { TestAuthority } from "../support/certificates.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { startProxy, type TcpProxy } from "../support/tcp_proxy.ts";
import { expectError, KILLED, ready, startDaemon, SWIFT, until } from "./_daemon.ts";

/** Their Txn fits HTTP/2's first window. */
const PODS = 150;
const OBJECT = "/v1/components/app/resources/configmaps.v1.core/namespaces/default/objects/one";
const BODY = new TextDecoder().decode(objectBytes("app/configmaps.v1.core/default/one", { rv: 5 }));

Deno.test("etcd away and back: a line each, no exit, in step again", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const p = node.prefix;
  node.write("kubelet/pods.v1.core/default/a", { rv: 1 });
  // etcd away at the start is no failure to start.
  await server.kill();
  await using daemon = await startDaemon(node);
  await until("away", async () => (await daemon.status()).state === "etcd-away");
  await server.start();
  await ready(daemon);

  // Nothing changes, so that it is the question that finds it out.
  await server.kill();
  strictEqual((await daemon.status()).state, "etcd-away");
  await server.start();
  await ready(daemon);

  await server.kill();
  node.write("kubelet/pods.v1.core/default/a", { rv: 2 });
  await until("away", async () => (await daemon.status()).state === "etcd-away");
  const status = await daemon.status();
  match(status.notReady.join(), KILLED);
  strictEqual(status.etcd.latencyMs, undefined);
  expectError(await daemon.ask("GET", "/readyz"), 503, "NotReady");
  strictEqual((await daemon.ask("GET", "/healthz")).status, 200);
  expectError(await daemon.ask("POST", OBJECT, BODY), 503, "NotReady");
  expectError(await daemon.ask("GET", OBJECT), 503, "NotReady");
  deepStrictEqual((await daemon.ask("GET", "/v1/keys")).json, [`${p}/pods/default/a`]);
  // Whatever happens meanwhile, all that waits is a set of groups.
  for (let rv = 3; rv < 60; rv++) {
    node.write("kubelet/pods.v1.core/default/a", { rv });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // It comes back empty: OpenYurt's pool etcd lives in memory.
  await server.start({ wipe: true });
  await ready(daemon);
  using etcd = new EtcdView(server);
  const key = `${p}/pods/default/a`;
  await until("in step", async () => {
    const found = (await etcd.keys(key)).get(key)?.value.toString() ?? "{}";
    return JSON.parse(found).metadata?.resourceVersion === "59";
  });
  const { code, stderr } = await daemon.stop();
  strictEqual(code, 0, stderr);
  const lines = stderr.split("\n");
  const starting = (text: string) => lines.filter((line) => line.startsWith(text)).length;
  deepStrictEqual(
    [starting("error: "), starting("notice: in step again")],
    [3, 3],
    stderr,
  );
});

Deno.test("an etcd that comes back empty unseen is filled again once an operation finds it so", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const key = `${node.prefix}/pods/default/a`;
  await until("in step", async () => (await etcd.keys(key)).size === 1);
  // It looks at what is young once more.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await server.kill();
  await server.start({ wipe: true });
  // Which looks at no key of the others.
  strictEqual((await daemon.ask("POST", "/v1/import-key-cache", "\n")).status, 200);
  await until("filled again", async () => (await etcd.keys(key)).size === 1);
});

Deno.test("an operation in doubt is answered as unknown, never done again by itself", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const key = `${node.prefix}/configmaps/default/one`;
  await using proxy = startProxy(server.port);
  const servers = `--etcd-servers=${proxy.endpoint}`;
  await using daemon = await startDaemon(node, [...SWIFT, "--etcd-timeout=500ms", servers]);
  await ready(daemon);
  strictEqual((await daemon.ask("POST", OBJECT, BODY)).status, 201);
  const newer = BODY.replace('"5"', '"6"');
  // From now on etcd hears, and its answers are lost.
  proxy.passage.muteAfterBytes = 0;
  expectError(await daemon.ask("PUT", OBJECT, newer), 504, "Unknown");
  strictEqual((await daemon.status()).pendingKeys, 1);
  const applied = (await etcd.keys(key)).get(key);
  strictEqual(applied?.value.toString(), newer);
  expectError(await daemon.ask("PUT", OBJECT, newer), 503, "NotReady");
  proxy.passage.muteAfterBytes = Infinity;
  await ready(daemon);
  strictEqual((await daemon.status()).pendingKeys, 0);
  strictEqual((await etcd.keys(key)).get(key)?.mod, applied?.mod, "not written again");
  strictEqual((await daemon.ask("GET", OBJECT)).text, newer);

  // Now etcd does not hear it at all.
  proxy.passage.deafAfterBytes = 0;
  const newest = BODY.replace('"5"', '"7"');
  expectError(await daemon.ask("PUT", OBJECT, newest), 504, "Unknown");
  proxy.passage.deafAfterBytes = Infinity;
  await ready(daemon);
  strictEqual((await daemon.status()).pendingKeys, 0);
  strictEqual((await etcd.keys(key)).get(key)?.value.toString(), newer, "not done by itself");
  strictEqual((await daemon.ask("PUT", OBJECT, newest)).status, 200);
  strictEqual((await daemon.ask("GET", OBJECT)).text, newest);
});

Deno.test("another endpoint takes over", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const [first, second] = [startProxy(server.port), startProxy(server.port)];
  await using proxies = new AsyncDisposableStack();
  const open = new Set<TcpProxy>([first, second]);
  const close = async (proxy: TcpProxy) => {
    if (open.delete(proxy)) await proxy[Symbol.asyncDispose]();
  };
  proxies.defer(() => close(first));
  proxies.defer(() => close(second));
  const servers = `--etcd-servers=${first.endpoint},${second.endpoint}`;
  await using daemon = await startDaemon(node, [...SWIFT, "--etcd-timeout=1s", servers]);
  await ready(daemon);
  using etcd = new EtcdView(server);
  await close(first);
  node.write("kubelet/pods.v1.core/default/a");
  const key = `${node.prefix}/pods/default/a`;
  await until("in etcd", async () => (await etcd.keys(key)).has(key));
  strictEqual((await daemon.status()).state, "in-step");
  await close(second);
  node.write("kubelet/pods.v1.core/default/a", { rv: 2 });
  await until("away", async () => (await daemon.status()).state === "etcd-away");
  const { stderr, code } = await daemon.stop();
  strictEqual(code, 0, stderr);
  match(stderr, KILLED);
});

Deno.test("certificates are read again when they change on disk, and on SIGHUP", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-daemon-tls-" });
  try {
    const authority = new TestAuthority(directory, "ca");
    const own = authority.issue({ name: "etcd", hosts: ["127.0.0.1"] });
    await using server = await startEtcd({ scheme: "https", args: authority.etcdFlags(own) });
    using node = new EdgeNode(server);
    node.write("kubelet/pods.v1.core/default/a");
    const mine = authority.issue({ name: "agent", expired: true });
    await using daemon = await startDaemon(node, [
      // So long that nothing but what is tested here brings it back.
      "--retry-max=1h",
      "--settle-time=0",
      `--etcd-cafile=${authority.caFile}`,
      `--etcd-certfile=${mine.certFile}`,
      `--etcd-keyfile=${mine.keyFile}`,
    ]);
    await until("refused", async () => (await daemon.status()).state === "etcd-away");
    authority.issue({ name: "agent" });
    daemon.kill("SIGHUP");
    await ready(daemon);
    authority.issue({ name: "agent" });
    await until("read again", async () => {
      const { etcd, state } = await daemon.status();
      return state === "in-step" && (etcd.latencyMs ?? 0) > 0;
    });
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    await ready(daemon);
    const { code, stderr } = await daemon.stop();
    strictEqual(code, 0, stderr);
    match(stderr, /notice: certificates or password changed on disk/);
    match(stderr, /notice: in step again/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("SIGTERM while a Txn is open ends it within 2 s; the next start settles it", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  await using proxy = startProxy(server.port);
  const servers = `--etcd-servers=${proxy.endpoint}`;
  {
    await using daemon = await startDaemon(node, [...SWIFT, "--etcd-timeout=60s", servers]);
    await ready(daemon);
    // More than the reads before the Txn, less than the Txn.
    proxy.passage.muteAfterBytes = proxy.sentBytes() + 5_000;
    const staged = `${node.root}/staged`;
    Deno.mkdirSync(`${staged}/default`, { recursive: true });
    for (let pod = 0; pod < PODS; pod++) {
      const bytes = objectBytes(`kubelet/pods.v1.core/default/p${pod}`, {});
      Deno.writeFileSync(`${staged}/default/p${pod}`, bytes);
    }
    Deno.mkdirSync(`${node.cacheDir}/kubelet`);
    Deno.renameSync(staged, `${node.cacheDir}/kubelet/pods.v1.core`);
    const applied = async () => (await etcd.keys(`${node.prefix}/pods/`)).size === PODS;
    await until("applied", applied);
    strictEqual((await daemon.status()).pendingKeys, PODS);
    const { code, stopMs, stderr } = await daemon.stop();
    strictEqual(code, 0, stderr);
    ok(stopMs < 2_000, `${stopMs} ms`);
    match(stderr, new RegExp(`^info: stopped signal=SIGTERM pendingKeys=${PODS}$`, "m"));
    strictEqual(exists(daemon.socket), false);
  }
  proxy.passage.muteAfterBytes = Infinity;
  const revision = await etcd.revision();
  await using daemon = await startDaemon(node, [...SWIFT, servers]);
  await ready(daemon);
  strictEqual((await daemon.status()).pendingKeys, 0);
  strictEqual((await daemon.status()).keys, PODS);
  strictEqual(await etcd.revision(), revision, "it had been applied, and was not sent again");
});

Deno.test("what waits behind a retirement is refused with it", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node, [...SWIFT, "--etcd-timeout=60s"]);
  await ready(daemon);
  await server.kill("SIGSTOP");
  const retired = daemon.ask("POST", "/v1/retire");
  const meanwhile = () => new Promise((resolve) => setTimeout(resolve, 500));
  await meanwhile();
  const verified = daemon.ask("GET", "/v1/verify");
  const reconciled = daemon.ask("POST", "/v1/reconcile");
  // Were it not refused, it would wait far longer than the other.
  reconciled.catch(() => {});
  await meanwhile();
  await server.kill("SIGCONT");
  strictEqual((await retired).status, 200);
  for (const waiting of [verified, reconciled]) {
    const answered = await waiting;
    expectError(answered, 503, "NotReady");
    match(answered.text, /this node was retired/);
  }
  strictEqual((await daemon.stop()).code, 0);
});

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
