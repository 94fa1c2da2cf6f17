import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { expectError, ready, startDaemon, until } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { fill, smallDisk } from "../support/small_disk.ts";
import { readStatus } from "../support/status.ts";
import { byHand } from "./_by_hand.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode } from "./_node.ts";

const POD = "kubelet/pods.v1.core/default/a";

/** What status says without flags: its exit status, the state, and what it is about. */
async function said(node: EdgeNode): Promise<[number, string, string[]]> {
  const { code, stdout } = await byHand(node, "status", "-o=json");
  const { state, conditions } = readStatus(stdout);
  return [code, state, conditions.map(({ condition }) => condition)];
}

/** Too little for a commit. */
const ALMOST_BYTES = 40 * 1024;

const WELL = [0, "in-step", []];
const FAILING = [1, "failing", ["failing"]];

Deno.test("status looks whether the state directory can be written to", async (t) => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  using disk = smallDisk(node.stateDir);
  await t.step({
    name: "with a daemon and without one",
    ignore: disk === undefined,
    fn: () => lookingAtTheDisk(node),
  });
});

async function lookingAtTheDisk(node: EdgeNode): Promise<void> {
  node.write(POD);
  expectExit(await node.reconcile(), 0);
  deepStrictEqual(await said(node), WELL);
  const ballast = `${node.stateDir}/ballast`;
  // SQLite can't open the cache where it has no room at all for what it keeps beside it.
  fill(ballast);
  const full = /can't be written to: its disk is full; free some space/;
  expectExit(await byHand(node, "status"), 1, full);
  Deno.truncateSync(ballast, Deno.statSync(ballast).size - ALMOST_BYTES);
  deepStrictEqual(await said(node), FAILING);
  const page = await byHand(node, "status");
  expectExit(page, 1, full);
  match(page.stdout, /^ {13}answers in /m);
  Deno.removeSync(ballast);
  deepStrictEqual(await said(node), WELL);

  await using daemon = await startDaemon(node);
  await ready(daemon);
  fill(ballast);
  // Nothing changes, so that nothing is to be written.
  await until("failing", async () => (await daemon.status()).state === "failing");
  expectError(await daemon.ask("GET", "/readyz"), 503, "NotReady");
  const told = await byHand(node, "status");
  expectExit(told, 1, /its disk is full/);
  match(told.stdout, /^ {13}answers in /m);
  Deno.removeSync(ballast);
  await ready(daemon);
  const { stderr } = await daemon.stop();
  strictEqual(stderr.match(/^warning: .*its disk is full/gm)?.length, 1, stderr);
  match(stderr, /^notice: the state directory can be written to again$/m);
}

Deno.test("status looks at the root of the fs cache: gone, no directory, or without a component", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  for (const name of ["a", "b"]) node.write(`kubelet/pods.v1.core/default/${name}`);
  node.write("kube-proxy/pods.v1.core/default/b");
  expectExit(await node.reconcile(), 0);
  deepStrictEqual(await said(node), WELL);
  const away = `${node.root}/away`;
  Deno.renameSync(node.cacheDir, away);
  deepStrictEqual(await said(node), FAILING);
  expectExit(await byHand(node, "status"), 1, /cache directory .* is missing/);
  Deno.writeTextFileSync(node.cacheDir, "");
  expectExit(await byHand(node, "status"), 1, /cache directory .* is not a directory/);
  Deno.removeSync(node.cacheDir);
  // As a disk that is not mounted.
  Deno.mkdirSync(node.cacheDir);
  deepStrictEqual(await said(node), [3, "partial", ["deletes-held-back"]]);
  const heldBack = async () => {
    const { stdout } = await byHand(node, "status", "-o=json");
    return (readStatus(stdout).heldBack ?? []).map(({ component, deletes }) =>
      `${component} ${deletes}`
    ).sort();
  };
  // b counts once.
  const held = ["kube-proxy 1", "kubelet 1"];
  deepStrictEqual(await heldBack(), held);
  // A run says the same, and status after it says it once.
  strictEqual((await byHand(node, "--reconcile", "--settle-time=0")).code, 3);
  deepStrictEqual(await heldBack(), held);
  Deno.removeSync(node.cacheDir);
  Deno.renameSync(away, node.cacheDir);
  strictEqual((await byHand(node, "--reconcile", "--settle-time=0")).code, 0);
  deepStrictEqual(await said(node), WELL);
});

Deno.test("status tells how old a failure is, whether it still holds, and nothing twice", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write(POD);
  expectExit(await node.reconcile(), 0);
  const away = `${node.root}/away`;
  Deno.renameSync(node.cacheDir, away);
  expectExit(await node.reconcile(), 1);
  const missing = await byHand(node, "status");
  expectExit(missing, 1, /^edgekeyd: cache directory .* is missing/);
  strictEqual(missing.stdout.match(/is missing/g)?.length, 1, missing.stdout);
  Deno.renameSync(away, node.cacheDir);
  const mended = await byHand(node, "status");
  expectExit(
    mended,
    1,
    /the last pass failed: cache directory .* is missing.* \(that was \d+ s ago; the cache directory can be read now, so that a new pass is due\); .*--reconcile/,
  );
  expectExit(await node.reconcile(), 0);

  await server.kill();
  expectExit(await node.reconcile(), 1);
  const dead = await byHand(node, "status");
  expectExit(dead, 1);
  match(dead.stdout, /^state +etcd-away$/m);
  doesNotMatch(dead.stdout, /the last pass failed/);
  await server.start();
  const back = await byHand(node, "status");
  expectExit(back, 1, /the last pass failed: .*\(that was \d+ s ago; etcd answers now, /);
  // What is true now stands above it.
  Deno.writeTextFileSync(`${node.stateDir}/daemon`, `${new Date().toISOString()}\n`);
  const { conditions } = readStatus((await byHand(node, "status", "-o=json")).stdout);
  deepStrictEqual(conditions.map(({ condition }) => condition), ["service-down", "failing"]);
});

Deno.test("a state directory that others can write to is no daemon's any more, until it is closed", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write(POD);
  await using daemon = await startDaemon(node);
  await ready(daemon);
  Deno.chmodSync(node.stateDir, 0o777);
  await until("said", async () => (await daemon.ask("GET", "/readyz")).status === 503);
  const { state, notReady } = await daemon.status();
  strictEqual(state, "failing");
  match(notReady.join(), /can be written to by others \(mode 0777\): .*chmod 700/);
  expectExit(await byHand(node, "status"), 1, /can be written to by others \(mode 0777\)/);
  Deno.chmodSync(node.stateDir, 0o700);
  await ready(daemon);
  expectExit(await byHand(node, "status"), 0);
  const { stderr } = await daemon.stop();
  match(stderr, /^error: the state directory .* can be written to by others/m);
});

Deno.test("an etcd that hangs is said by the first status that gets no answer from it", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write(POD);
  await using daemon = await startDaemon(node);
  await ready(daemon);
  deepStrictEqual(await said(node), WELL);
  await server.kill("SIGSTOP");
  const hung = await byHand(node, "status");
  await server.kill("SIGCONT");
  expectExit(hung, 1, /^edgekeyd: etcd at .*(has not answered|did not answer)/);
  match(hung.stdout, /^state +etcd-away$/m);
  doesNotMatch(hung.stdout, /^problem +none$/m);
  await until("in step", async () => (await byHand(node, "status")).code === 0);
});
