import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { SCHEMA_VERSION } from "../../lib/keycache/schema.ts";
import { seal, unseal } from "../../lib/keycache/sealed.ts";
import { type DaemonProcess, ready, startDaemon, SWIFT, until } from "../agent/_daemon.ts";
import { TestAuthority } from "../support/certificates.ts";
import { startEdgekeyd } from "../support/edgekeyd_process.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { byHand } from "./_by_hand.ts";
import { expectExit } from "./_contract.ts";
import { commandsIn, moveCacheAside, typed } from "./_cures.ts";
import { EdgeNode, EtcdView, objectBytes } from "./_node.ts";

const POD = "kubelet/pods.v1.core/default/a";
const STOP = "stop edgekeyd (`systemctl stop edgekeyd` where the service runs it)";

/** What status says of a node, to somebody who names its state directory alone. */
async function pageOf(node: EdgeNode): Promise<string> {
  const { stdout, stderr } = await byHand(node, "status");
  return stdout + stderr;
}

async function inStep(node: EdgeNode): Promise<void> {
  const { code, stdout } = await byHand(node, "status");
  strictEqual(code, 0, stdout);
}

Deno.test("cure: a node of the same name as another, by giving it its own name", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using first = new EdgeNode(server, "n1");
  using second = new EdgeNode(server, "n1");
  first.write(POD);
  second.write(POD);
  second.write("kubelet/pods.v1.core/default/b");
  await using daemon = await startDaemon(first);
  await ready(daemon);
  const refused = await second.run(["run", `--listen=unix:${second.root}/api.sock`]);
  strictEqual(refused.code, 1);
  const page = await pageOf(second);
  match(page, /give one of the two another --node-name: stop it, move cache\.kv\* .* aside/);
  moveCacheAside(second);
  // The unit's settings have the new name; all else is as it was.
  await using renamed = await startDaemon(second, [...SWIFT, "--node-name=n2"]);
  await ready(renamed);
  await inStep(second);
  strictEqual((await etcd.keys("/n1/registry/")).size, 2);
  for (const name of ["n1", "n2"]) {
    strictEqual((await etcd.keys(`/edgekeyd/${name}/fence`)).size, 1, name);
  }
  await inStep(first);
  await renamed.stop();
  await daemon.stop();
});

Deno.test("cure: a state directory that was lost, by --adopt as it is printed, once and once more", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write(POD);
  expectExit(await node.reconcile(), 0);
  for (const life of ["first", "second"]) {
    moveCacheAside(node);
    const refused = await node.run(["run", `--listen=unix:${node.root}/api.sock`]);
    strictEqual(refused.code, 1, life);
    const page = await pageOf(node);
    ok(page.includes(STOP), page);
    expectExit(await typed(page, "--adopt"), 0);
    await using daemon = await startDaemon(node);
    await ready(daemon);
    await inStep(node);
    await daemon.stop();
  }
  // All of it is gone, what is remembered as well, and no daemon was started since.
  Deno.removeSync(node.stateDir, { recursive: true });
  const refused = await node.run(["--reconcile"]);
  expectExit(refused, 1);
  expectExit(await typed(refused.stderr, "--adopt"), 0);
  await inStep(node);
});

Deno.test("cure: a database of a newer edgekeyd, and one that was rolled back, by --adopt as it is printed", async (t) => {
  await using server = await startEtcd();
  await t.step("newer", async () => {
    using node = new EdgeNode(server, "newer");
    node.write(POD);
    expectExit(await node.reconcile(), 0);
    await raiseSchema(`${node.stateDir}/cache.kv`);
    const page = await pageOf(node);
    match(page, /was written by a newer edgekeyd/);
    ok(page.includes(STOP), page);
    moveCacheAside(node);
    expectExit(await typed(page, "--adopt"), 0);
    await inStep(node);
  });
  await t.step("rolled back", async () => {
    using node = new EdgeNode(server, "rolled");
    node.write(POD);
    expectExit(await node.reconcile(), 0);
    const copy = Deno.readFileSync(`${node.stateDir}/cache.kv`);
    node.write("kubelet/pods.v1.core/default/b");
    expectExit(await node.reconcile(), 0);
    moveCacheAside(node);
    Deno.writeFileSync(`${node.stateDir}/cache.kv`, copy);
    const page = await pageOf(node);
    match(page, /is older than etcd/);
    expectExit(await typed(page, "--adopt"), 0);
    await inStep(node);
  });
});

/** What a later version writes of itself into the first record. */
async function raiseSchema(database: string): Promise<void> {
  const key = ["head", "identity"];
  const kv = await Deno.openKv(database);
  try {
    const { value } = await kv.get(key);
    ok(value instanceof Uint8Array);
    const identity = unseal(key, value);
    ok(typeof identity === "object");
    await kv.set(key, seal(key, { ...identity, schema: SCHEMA_VERSION + 1 }));
  } finally {
    kv.close();
  }
}

Deno.test("cure: endpoints that lead to another etcd, by going back, by moving there, and if the one before is gone", async (t) => {
  await using first = await startEtcd();
  await using second = await startEtcd();
  using here = new EtcdView(first);
  using there = new EtcdView(second);
  const elsewhere = `--etcd-servers=${second.endpoint}`;

  async function astray(node: EdgeNode): Promise<{ daemon: DaemonProcess; page: string }> {
    node.write(POD);
    expectExit(await node.reconcile(), 0);
    const daemon = await startDaemon(node, [...SWIFT, elsewhere]);
    await until("it says so", async () => /is not the one that/.test(await pageOf(node)));
    const page = await pageOf(node);
    ok(page.includes(STOP), page);
    match(page, /^state +failing$/m);
    return { daemon, page };
  }

  await t.step("going back", async () => {
    using node = new EdgeNode(first, "back");
    const { daemon } = await astray(node);
    await using before = daemon;
    await before.stop();
    await using again = await startDaemon(node);
    await ready(again);
    await again.stop();
  });
  await t.step("moving there", async () => {
    using node = new EdgeNode(first, "moves");
    const { daemon, page } = await astray(node);
    await using before = daemon;
    // Beside the daemon it is refused, and what is said then can be done, too.
    const refused = await typed(page, "retire");
    expectExit(refused, 1, /nothing was (retired|done)/);
    ok(refused.stderr.includes(STOP), refused.stderr);
    await before.stop();
    expectExit(await typed(refused.stderr, "retire"), 0);
    strictEqual((await here.keys("/moves/")).size, 0);
    expectExit(await typed(page, "--rejoin", elsewhere), 0);
    await using again = await startDaemon(node, [...SWIFT, elsewhere]);
    await ready(again);
    strictEqual((await there.keys("/moves/registry/")).size, 1);
    await again.stop();
    await inStep(node);
  });
  await t.step("the one before is gone", async () => {
    using node = new EdgeNode(first, "stays");
    const { daemon, page } = await astray(node);
    await using before = daemon;
    const [, settings = ""] = /remove (\S+settings\.json)/.exec(page) ?? [];
    await before.stop();
    Deno.removeSync(settings);
    await using again = await startDaemon(node, [...SWIFT, elsewhere]);
    await ready(again);
    await again.stop();
    await inStep(node);
  });
});

Deno.test("cure: a node that was retired beside its daemon, by --rejoin as it is printed", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write(POD);
  await using daemon = await startDaemon(node);
  await ready(daemon);
  expectExit(await byHand(node, "retire"), 0);
  const page = await pageOf(node);
  match(page, /stop the service before that/);
  await daemon.stop();
  expectExit(await typed(page, "--rejoin"), 0);
  await using again = await startDaemon(node);
  await ready(again);
  await inStep(node);
  await again.stop();
});

Deno.test("cure: another name for a node, or another prefix, by the steps that the refusal prints", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  for (const change of ["--node-name=new-name", "--etcd-prefix=/new"]) {
    await t.step(change, async () => {
      using node = new EdgeNode(server, "old-name");
      node.write(POD);
      expectExit(await node.reconcile(), 0);
      const refused = await node.run(["run", `--listen=unix:${node.root}/api.sock`, change]);
      expectExit(refused, 1, /belongs to --/);
      ok(refused.stderr.includes(STOP), refused.stderr);
      expectExit(await typed(refused.stderr, "retire"), 0);
      strictEqual((await etcd.keys("/")).size, 0);
      moveCacheAside(node);
      await using daemon = await startDaemon(node, [...SWIFT, change]);
      await ready(daemon);
      await inStep(node);
      expectExit(await byHand(node, "retire"), 0);
      await daemon.stop();
    });
  }
});

Deno.test("cure: values of another importer, by --conflict-policy owner as it is printed", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write(POD, { rv: 5 });
  const key = `${node.prefix}/pods/default/a`;
  await etcd.put(key, objectBytes(POD, { rv: 9 }));
  await using daemon = await startDaemon(node);
  await ready(daemon);
  await until("it is told", async () => /another importer's value/.test(await pageOf(node)));
  const page = await pageOf(node);
  ok(page.includes(STOP), page);
  await daemon.stop();
  expectExit(await typed(page, "--conflict-policy"), 0);
  deepStrictEqual(
    (await etcd.keys(key)).get(key)?.value.toString(),
    new TextDecoder().decode(objectBytes(POD, { rv: 5 })),
  );
  await using again = await startDaemon(node);
  await ready(again);
  strictEqual(/another importer's value/.test(await pageOf(node)), false);
  await again.stop();
});

Deno.test("cure: an etcd that was emptied, before a pass and before retire, by what is printed", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write(POD);
  const empty = () => etcd.raw.delete().prefix("/");
  expectExit(await node.reconcile(), 0);
  await empty();
  expectExit(await typed(await pageOf(node), "--reconcile"), 0);
  await inStep(node);
  await empty();
  const refused = await byHand(node, "retire");
  expectExit(refused, 1, /nothing was retired/);
  expectExit(await typed(refused.stderr, "--reconcile"), 0);
  expectExit(await typed(refused.stderr, "retire"), 0);
  strictEqual((await etcd.keys("/")).size, 0);
});

Deno.test("cure: a state directory with nothing in it, by a run with --etcd-servers", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write(POD);
  const { stderr } = await byHand(node, "status");
  const [command = []] = commandsIn(stderr);
  match(stderr, /first, with --etcd-servers$/m);
  const more = [`--etcd-servers=${server.endpoint}`, `--cache-dir=${node.cacheDir}`];
  await using run = startEdgekeyd([...command, ...more]);
  strictEqual((await run.result).code, 0);
  await inStep(node);
});

Deno.test("cure: a key that all can read, where TLS is in use, is not answered with https://", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-e2e-cures-" });
  try {
    const ca = new TestAuthority(directory, "ca");
    const own = ca.issue({ name: "server", hosts: ["127.0.0.1"] });
    await using server = await startEtcd({ scheme: "https", args: ca.etcdFlags(own) });
    using node = new EdgeNode(server);
    node.write(POD);
    const { certFile, keyFile } = ca.issue({ name: "client" });
    Deno.chmodSync(keyFile, 0o644);
    const tls = [
      `--etcd-cafile=${ca.caFile}`,
      `--etcd-certfile=${certFile}`,
      `--etcd-keyfile=${keyFile}`,
    ];
    const run = await node.run(["--reconcile", ...tls]);
    expectExit(run, 0);
    const page = await pageOf(node);
    for (const said of [run.stderr, page]) {
      match(said, /chmod 600 the file/);
      strictEqual(/give (an )?https/.test(said), false, said);
    }
    Deno.chmodSync(keyFile, 0o600);
    strictEqual(/chmod/.test(await pageOf(node)), false);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
