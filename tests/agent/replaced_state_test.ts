import { match, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { bindMount, canMount } from "../support/mounts.ts";
import { say } from "../support/say.ts";
import { expectError, ready, startDaemon, SWIFT, until } from "./_daemon.ts";

const CAN_MOUNT = canMount();
if (!CAN_MOUNT) say("skipped: a mount over a daemon's state directory, which needs root");

/** Nothing but the look around tells of it within the test. */
const FLAGS = [...SWIFT, "--resync-interval=10h"];
const POD = "kubelet/pods.v1.core/default";

Deno.test("a daemon stops writing and says so when its state directory is not in place", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);

  /** Takes the state directory's place, looks what the daemon does, and gives it back. */
  const without = async (name: string, take: (state: string) => () => void) => {
    using node = new EdgeNode(server, name);
    node.write(`${POD}/a`);
    const pods = async () => (await etcd.keys(`${node.prefix}/pods/`)).size;
    await using daemon = await startDaemon(node, FLAGS);
    await ready(daemon);
    const before = await etcd.revision();
    const giveBack = take(node.stateDir);
    await until("said", async () => (await daemon.status()).state === "failing");
    match((await daemon.status()).notReady.join(), /is not the file any more .* restart edgekeyd/);
    expectError(await daemon.ask("GET", "/readyz"), 503, "NotReady");
    const { code, stdout } = await node.run(["status", `--listen=unix:${daemon.socket}`]);
    strictEqual(code, 1, stdout);
    match(stdout, /the daemon is running\n[^]* is not the file any more [^]* restart edgekeyd/);
    node.write(`${POD}/b`);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    strictEqual(await etcd.revision(), before, "nothing is written that nobody would remember");
    giveBack();
    await ready(daemon);
    await until("taken up again", async () => (await pods()) === 2);
    strictEqual((await daemon.stop()).code, 0);
    const { report } = await node.reconcile();
    strictEqual(report.status, "in-step", "the next start finds the cache as it was left");
    strictEqual(report.txns, 0);
  };

  await t.step("it was renamed", () =>
    without("renamed", (state) => {
      Deno.renameSync(state, `${state}.away`);
      return () => Deno.renameSync(`${state}.away`, state);
    }));

  await t.step("the database is another", () =>
    without("another", (state) => {
      const database = `${state}/cache.kv`;
      Deno.renameSync(database, `${database}.away`);
      Deno.copyFileSync(`${database}.away`, database);
      return () => Deno.renameSync(`${database}.away`, database);
    }));

  await t.step("the lock is gone", () =>
    without("lock", (state) => {
      Deno.renameSync(`${state}/lock`, `${state}/lock.away`);
      return () => Deno.renameSync(`${state}/lock.away`, `${state}/lock`);
    }));

  await t.step({
    name: "it was mounted over",
    ignore: !CAN_MOUNT,
    fn: () =>
      without("mounted", (state) => {
        Deno.mkdirSync(`${state}.other`);
        const mount = bindMount(`${state}.other`, state);
        return () => mount[Symbol.dispose]();
      }),
  });

  await t.step("it was emptied: a restart says what to do", async () => {
    using node = new EdgeNode(server, "emptied");
    node.write(`${POD}/a`);
    await using daemon = await startDaemon(node, FLAGS);
    await ready(daemon);
    for (const { name } of Deno.readDirSync(node.stateDir)) {
      Deno.removeSync(`${node.stateDir}/${name}`);
    }
    await until("said", async () => (await daemon.status()).state === "failing");
    await daemon.stop();
    const { code, stderr } = await node.run(["--reconcile"]);
    strictEqual(code, 1);
    match(stderr, /--adopt/);
  });

  await t.step("its journal was removed: nothing is lost", async () => {
    using node = new EdgeNode(server, "journal");
    node.write(`${POD}/a`);
    await using daemon = await startDaemon(node, FLAGS);
    await ready(daemon);
    Deno.removeSync(`${node.stateDir}/cache.kv-wal`);
    node.write(`${POD}/b`);
    await until("taken up", async () => (await etcd.keys(`${node.prefix}/pods/`)).size === 2);
    await ready(daemon);
    daemon.kill("SIGKILL");
    const { report } = await node.reconcile();
    strictEqual(report.status, "in-step");
    strictEqual(report.txns, 0);
  });
});
