import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { expectExit } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { type EtcdServer, freePort, startEtcd } from "../support/etcd_server.ts";
import { type DaemonProcess, ready, startDaemon, SWIFT, until } from "./_daemon.ts";

const POD = "kubelet/pods.v1.core/default/a";
const ELSEWHERE =
  /cluster \d+\) is not the one that this node wrote to \(cluster \d+ at http.*\); nothing was done\. Set --etcd-servers back.*remove .*settings\.json/;
const FILLED_BY_OTHERS =
  /is not the one that this node wrote to \(cluster .*\), and others wrote to it; nothing was done\. If another pool's etcd .*--etcd-servers right.*remove .*settings\.json/;

async function saysNotReady(daemon: DaemonProcess, says: RegExp): Promise<void> {
  await until(`not ready: ${says}`, async () => {
    const { status, text } = await daemon.ask("GET", "/readyz");
    return status === 503 && says.test(text);
  });
}

function settingsOf(node: EdgeNode): Record<string, string> {
  return JSON.parse(Deno.readTextFileSync(`${node.stateDir}/settings.json`));
}

/** All of one etcd put into another, as a snapshot that is restored elsewhere has it. */
async function copyAll(from: EtcdView, to: EtcdView): Promise<void> {
  for (const [key, { value }] of await from.keys("/")) await to.put(key, value.toString());
}

/** Another cluster at the port of one that is gone: its peers have another port, hence another id. */
async function startInPlaceOf(server: EtcdServer): Promise<EtcdServer> {
  await server.kill();
  const peer = `http://127.0.0.1:${freePort()}`;
  return await startEtcd({
    args: [
      `--listen-client-urls=${server.endpoint}`,
      `--advertise-client-urls=${server.endpoint}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=t=${peer}`,
    ],
  });
}

Deno.test("a daemon whose --etcd-servers lead to another cluster writes nothing there, says so, and remembers nothing of it", async () => {
  await using first = await startEtcd();
  await using second = await startEtcd();
  using there = new EtcdView(second);
  using node = new EdgeNode(first);
  node.write(POD);
  expectExit(await node.reconcile(), 0);
  const before = settingsOf(node);

  await using daemon = await startDaemon(node, [...SWIFT, `--etcd-servers=${second.endpoint}`]);
  await saysNotReady(daemon, ELSEWHERE);
  const page = await node.run(["status"]);
  strictEqual(page.code, 1);
  match(page.stdout, ELSEWHERE);
  node.write("kubelet/pods.v1.core/default/b");
  expectExit(await node.run(["--reconcile"]), 1, ELSEWHERE);
  await daemon.stop();
  strictEqual((await there.keys("/")).size, 0);
  const after = settingsOf(node);
  deepStrictEqual(
    [after["etcd-servers"], after["cluster-id"]],
    [before["etcd-servers"], before["cluster-id"]],
  );

  // With its own etcd all is well again.
  await using again = await startDaemon(node);
  await ready(again);
  await again.stop();
});

Deno.test("a daemon that finds its fence in another cluster goes on there, warns, and remembers it once it has answered", async () => {
  await using first = await startEtcd();
  await using second = await startEtcd();
  using here = new EtcdView(first);
  using there = new EtcdView(second);
  using node = new EdgeNode(first);
  node.write(POD);
  expectExit(await node.reconcile(), 0);
  await copyAll(here, there);

  await second.kill("SIGSTOP");
  const flag = `--etcd-servers=${second.endpoint}`;
  await using daemon = await startDaemon(node, [...SWIFT, flag, "--etcd-timeout=1s"]);
  await saysNotReady(daemon, /did not answer in time/);
  strictEqual(settingsOf(node)["etcd-servers"], first.endpoint);
  await second.kill("SIGCONT");
  await ready(daemon);
  strictEqual(settingsOf(node)["etcd-servers"], second.endpoint);
  const { conditions } = await daemon.status();
  deepStrictEqual(conditions.map(({ condition }) => condition), ["cluster-changed"]);
  const { stderr } = await daemon.stop();
  match(
    stderr,
    new RegExp(
      "a setting is another than before setting=--etcd-servers " +
        `before=${first.endpoint} now=${second.endpoint}`,
    ),
  );

  // From its next start on it is its cluster.
  await using again = await startDaemon(node, [...SWIFT, flag]);
  await ready(again);
  deepStrictEqual((await again.status()).conditions, []);
  await again.stop();
});

Deno.test("an etcd that was made anew behind the same endpoints is filled, if no importer was there before", async () => {
  await using first = await startEtcd();
  using node = new EdgeNode(first);
  node.write(POD);
  await using daemon = await startDaemon(node);
  await ready(daemon);
  await using _anew = await startInPlaceOf(first);
  using there = new EtcdView(first);
  // The pool's apiserver may have been faster.
  await there.put(`${node.prefix}/ranges/serviceips`, "k8s\0theirs");
  await until("it is filled", async () => (await there.keys(`${node.prefix}/pods/`)).size === 1);
  await ready(daemon);
  deepStrictEqual((await daemon.status()).conditions.map(({ condition }) => condition), [
    "cluster-changed",
  ]);
  await daemon.stop();
});

/** A node of a pool, whose keys stand under the prefix of all. */
function poolNode(server: EtcdServer, name: string): EdgeNode {
  const node = new EdgeNode(server, name);
  node.write(POD);
  node.write(`kubelet/pods.v1.core/default/of-${name}`);
  return node;
}

const POOL = ["--etcd-prefix=/registry", "--settle-time=0"];

Deno.test("an etcd that was made anew is filled again by every node of its pool, whoever was first, by daemons and by commands", async () => {
  await using first = await startEtcd();
  using one = poolNode(first, "n1");
  using two = poolNode(first, "n2");
  using three = poolNode(first, "n3");
  for (const node of [one, two, three]) {
    expectExit(await node.run(["--reconcile", ...POOL]), 0);
  }
  await using daemon = await startDaemon(two, [...POOL, ...SWIFT.slice(0, 1)]);
  await ready(daemon);
  // It sees the new one when another has filled that.
  daemon.kill("SIGSTOP");
  await using _anew = await startInPlaceOf(first);
  using there = new EtcdView(first);
  const filled = await one.run(["--reconcile", ...POOL]);
  expectExit(filled, 0);
  match(filled.stderr, /note: etcd is another cluster/);
  daemon.kill("SIGCONT");
  await until("filled", async () => (await there.keys("/registry/pods/default/of-")).size === 2);
  await ready(daemon);
  deepStrictEqual((await daemon.status()).conditions.map(({ condition }) => condition), [
    "cluster-changed",
  ]);
  const page = await two.run(["status", "--etcd-prefix=/registry"]);
  match(page.stdout, /etcd is another cluster than before/);
  match(page.stdout, /^ *(problem)? +cluster \d+: this node wrote to cluster \d+ before$/m);
  const third = await three.run(["--reconcile", ...POOL]);
  expectExit(third, 0);
  match(third.stderr, /note: etcd is another cluster/);
  strictEqual((await there.keys("/registry/pods/")).size, 4);
  await daemon.stop();
  // From now on it is their etcd.
  for (const node of [one, two, three]) {
    const verified = await node.run(["verify", "--etcd-prefix=/registry"]);
    expectExit(verified, 0);
    strictEqual(/another cluster/.test(verified.stderr), false, verified.stderr);
  }
});

Deno.test("another cluster behind the same endpoints that edgekeyds have filled is no pool's own if its objects are others, by their uids", async () => {
  await using first = await startEtcd();
  using node = poolNode(first, "n1");
  expectExit(await node.run(["--reconcile", ...POOL]), 0);
  await using _other = await startInPlaceOf(first);
  using there = new EtcdView(first);
  using stranger = new EdgeNode(first, "n2");
  stranger.write(POD, { uid: "of-another-cloud" });
  stranger.write("kubelet/pods.v1.core/default/theirs");
  expectExit(await stranger.run(["--reconcile", ...POOL]), 0);
  const revision = await there.revision();
  const says =
    /is not the one that this node wrote to .*, and others wrote to it, other objects under the same keys .*; nothing was done/;
  for (const args of [["--reconcile"], ["--reconcile", "--dry-run"], ["verify"], ["status"]]) {
    expectExit(await node.run([...args, "--etcd-prefix=/registry"]), 1, says);
  }
  strictEqual(await there.revision(), revision);
});

Deno.test("an etcd that was made anew is filled again by a node whose role lets it read no fence but its own, if it holds an object of the node's", async () => {
  await using first = await startEtcd();
  using one = poolNode(first, "n1");
  using two = poolNode(first, "n2");
  for (const node of [one, two]) expectExit(await node.run(["--reconcile", ...POOL]), 0);
  await using _anew = await startInPlaceOf(first);
  using there = new EtcdView(first);
  expectExit(await one.run(["--reconcile", ...POOL]), 0);
  const { auth } = there.raw;
  await auth.userAdd({ name: "root", password: "root" });
  await auth.userGrantRole({ user: "root", role: "root" });
  await auth.userAdd({ name: "two", password: "two" });
  await auth.roleAdd({ name: "two" });
  await auth.userGrantRole({ user: "two", role: "two" });
  for (const prefix of ["/registry/", "/edgekeyd/n2/"]) {
    const range_end = Buffer.from(`${prefix.slice(0, -1)}0`);
    const perm = { permType: "Readwrite" as const, key: Buffer.from(prefix), range_end };
    await auth.roleGrantPermission({ name: "two", perm });
  }
  await auth.authEnable();
  const passwordFile = `${two.root}/password`;
  Deno.writeTextFileSync(passwordFile, "two", { mode: 0o600 });
  const user = ["--etcd-username=two", `--etcd-password-file=${passwordFile}`];
  const filled = await two.run(["--reconcile", ...POOL, ...user]);
  expectExit(filled, 0);
  match(filled.stderr, /note: etcd is another cluster/);
  expectExit(await two.run(["verify", "--etcd-prefix=/registry", ...user]), 0);
});

Deno.test("a running daemon whose endpoint comes to lead to a cluster that others have filled stops writing, and says so", async () => {
  await using first = await startEtcd();
  using node = new EdgeNode(first);
  const theirs = node.write(POD, { rv: 7 });
  node.write(POD);
  await using daemon = await startDaemon(node);
  await ready(daemon);
  // It must not see the other cluster before that is filled.
  daemon.kill("SIGSTOP");
  await using _other = await startInPlaceOf(first);
  using there = new EtcdView(first);
  await there.put(`${node.prefix}/pods/default/theirs`, new TextDecoder().decode(theirs));
  const revision = await there.revision();
  daemon.kill("SIGCONT");
  await saysNotReady(daemon, FILLED_BY_OTHERS);
  node.write("kubelet/pods.v1.core/default/b");
  expectExit(await node.run(["--reconcile"]), 1, FILLED_BY_OTHERS);
  const page = await node.run(["status"]);
  strictEqual(page.code, 1);
  match(page.stdout, FILLED_BY_OTHERS);
  // It answers: what is wrong is that it is another.
  match(page.stdout, /^state +failing$/m);
  strictEqual((await daemon.status()).etcd.state, "reachable");
  await daemon.stop();
  strictEqual(await there.revision(), revision);
});

Deno.test("another cluster behind the same endpoints that others have filled is not written to, by the daemon or a command", async () => {
  await using first = await startEtcd();
  using node = new EdgeNode(first);
  node.write(POD);
  await using daemon = await startDaemon(node);
  await ready(daemon);
  await daemon.stop();
  await using _other = await startInPlaceOf(first);
  using there = new EtcdView(first);
  const theirs = new TextDecoder().decode(node.write("kubelet/pods.v1.core/default/theirs"));
  node.remove("kubelet/pods.v1.core/default/theirs");
  await there.put(`${node.prefix}/pods/default/theirs`, theirs);
  const revision = await there.revision();

  for (const args of [["--reconcile"], ["--reconcile", "--dry-run"], ["verify"], ["status"]]) {
    expectExit(await node.run(args), 1, FILLED_BY_OTHERS);
  }
  await using again = await startDaemon(node);
  await saysNotReady(again, FILLED_BY_OTHERS);
  await again.stop();
  strictEqual(await there.revision(), revision);

  // What the message says.
  Deno.removeSync(`${node.stateDir}/settings.json`);
  expectExit(await node.reconcile(), 0);
  strictEqual((await there.keys(`${node.prefix}/pods/`)).size, 2);
});
