import { match, ok, strictEqual } from "node:assert/strict";
import { expectExit } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView, type ObjectOptions } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { ready, startDaemon, SWIFT, until } from "./_daemon.ts";

const A = "kubelet/pods.v1.core/default/a";
const PROXY_A = "kube-proxy/pods.v1.core/default/a";
const SOON_MS = 20_000;

Deno.test("a daemon holds etcd to what the files say", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const key = `${node.prefix}/pods/default/a`;
  const held = async () => (await etcd.keys(key)).get(key)?.value.toString();
  const heldVersion = async () => JSON.parse(await held() ?? "").metadata.resourceVersion;
  const owners = async () => (await node.run(["owners", key])).stdout;
  /** Writes the file, and waits until etcd holds its very bytes. */
  const put = async (path: string, options: ObjectOptions) => {
    const text = new TextDecoder().decode(node.write(path, options));
    await until(`${options.rv} of ${path}`, async () => (await held()) === text, SOON_MS);
  };
  node.write(A, { rv: 1_000 });
  await using daemon = await startDaemon(node, SWIFT);
  await ready(daemon);

  await t.step("a restored cloud's lower resourceVersion is in etcd within a moment", async () => {
    await put(A, { rv: 900 });
    await put(A, { rv: 950 });
  });

  await t.step("and other content of the same resourceVersion", async () => {
    await put(A, { rv: 950, more: { filtered: "once" } });
    await put(A, { rv: 950, more: { filtered: "more" } });
  });

  await t.step("a component that lags behind waits for a full pass", async () => {
    node.write(PROXY_A, { rv: 940 });
    node.write("kubelet/pods.v1.core/default/b");
    await until("taken up", async () => (await owners()).includes("kube-proxy"), SOON_MS);
    node.remove(A);
    await until("let go", async () => !(await owners()).includes("kubelet"), SOON_MS);
    strictEqual(await heldVersion(), "950");
    expectExit(await node.run(["--reconcile"]), 0);
    strictEqual(await heldVersion(), "940");
  });

  await t.step("what another importer wrote over it is named by verify and status", async () => {
    const foreign = JSON.parse(await held() ?? "");
    await etcd.put(key, JSON.stringify({ ...foreign, foreign: true }));
    expectExit(await node.run(["verify"]), 3, /changed in etcd by another: another importer's/);
    expectExit(await node.run(["--reconcile"]), 0);
    const verified = await node.run(["verify"]);
    expectExit(verified, 3, /other content at resourceVersion 940/);
    match(verified.stdout, /^2 keys, 1 drifted/m);
    const status = await node.run(["status"]);
    match(status.stdout, /1 key with another importer's value, which no component here holds/);
    match(status.stdout, /pods\/default\/a: another importer's value: other content/);
  });
});

Deno.test("what a component alone held leaves etcd soon after delete-component, without a resync", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const key = `${node.prefix}/pods/default/a`;
  const held = async () => (await etcd.keys(key)).get(key)?.value;
  const bytes = node.write(A, { rv: 7 });
  const evil = node.write("evil/pods.v1.core/default/a", { rv: 8, more: { of: "evil" } });
  await using daemon = await startDaemon(node, [...SWIFT, "--resync-interval=1h"]);
  await ready(daemon);
  strictEqual((await held())?.equals(evil), true);
  node.remove("evil");
  const isHeldBack = async () => (await daemon.status()).heldBack.length > 0;
  await until("held back", isHeldBack, SOON_MS);
  expectExit(await node.run(["delete-component", "evil"]), 0);
  await until("kubelet's bytes", async () => (await held())?.equals(bytes) === true, SOON_MS);
});

Deno.test("--conflict-policy owner puts what the files say over every importer's value", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const key = `${node.prefix}/pods/default/a`;
  const bytes = node.write(A, { rv: 7 });
  expectExit(await node.run(["--reconcile"]), 0);
  const foreign = { metadata: { name: "a", resourceVersion: "18446744073709551615" } };
  await etcd.put(key, JSON.stringify(foreign));
  expectExit(await node.run(["--reconcile"]), 0);
  expectExit(await node.run(["verify"]), 3, /its resourceVersion is none/);
  const resting = await node.run(["status"]);
  match(resting.stdout, /which no component here holds/);
  const healed = await node.run(["--reconcile", "--conflict-policy", "owner"]);
  expectExit(healed, 0);
  match(healed.stdout, /1 updated/);
  strictEqual((await etcd.keys(key)).get(key)?.value.equals(bytes), true);
  expectExit(await node.run(["verify"]), 0);
});

Deno.test("files full of NUL and an empty etcd: exit 3, and each key said to be missing", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  for (const name of ["a", "b", "c"]) node.write(`kubelet/pods.v1.core/default/${name}`, { rv: 7 });
  expectExit(await node.run(["--reconcile"]), 0);
  for (const name of ["a", "b", "c"]) {
    Deno.writeFileSync(
      `${node.cacheDir}/kubelet/pods.v1.core/default/${name}`,
      new Uint8Array(300),
    );
  }
  await server.kill();
  await server.start({ wipe: true });
  for (const flags of [["--reconcile", "--dry-run"], ["--reconcile"], ["--reconcile"]]) {
    const run = await node.run(flags);
    expectExit(run, 3, /3 keys to be put, whose file can't be imported/);
    match(
      run.stdout,
      /not put {4}.*default\/a: missing in etcd, and kubelet\/pods\.v1\.core\/default\/a/,
    );
    ok(!run.stdout.includes("unchanged"), run.stdout);
    ok(!`${run.stdout}${run.stderr}`.includes("being rewritten"), run.stderr);
  }
});
