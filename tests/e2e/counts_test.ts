import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { startDaemon, SWIFT, until } from "../agent/_daemon.ts";
import { freePort, startEtcd } from "../support/etcd_server.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode, EtcdView, objectBytes } from "./_node.ts";

const NODES = "nodes.v1.core";
const COUNT = 12;

Deno.test("a report counts as unchanged what was looked at and needed nothing, and nothing else", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  for (let at = 0; at < COUNT; at++) node.write(`kubelet/pods.v1.core/default/p${at}`);
  node.write(`kube-proxy/${NODES}/edge-1`);
  strictEqual((await node.reconcile()).report.unchanged, 0);
  strictEqual((await node.reconcile()).report.unchanged, COUNT + 1);
  for (const dry of [[], ["--dry-run"]]) {
    const part = await node.reconcile("--components=kube-proxy", ...dry);
    strictEqual(part.report.unchanged, 1, dry.join());
  }
  const away = await node.reconcile(`--etcd-servers=127.0.0.1:${freePort()}`);
  expectExit(away, 1);
  strictEqual(away.report.unchanged, 0, "etcd was not asked");
  const rootless = await node.reconcile(`--cache-dir=${node.root}/nowhere`);
  expectExit(rootless, 1);
  strictEqual(rootless.report.unchanged, 0, "no file was looked at");
});

Deno.test("a key whose delete is held back counts once, however many let go of it", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  for (let at = 0; at < COUNT; at++) {
    for (const component of ["kubelet", "kube-proxy"]) node.write(`${component}/${NODES}/n${at}`);
  }
  expectExit(await node.reconcile(), 0);
  for (const component of ["kubelet", "kube-proxy"]) node.remove(component);
  const { report, stderr } = await node.reconcile();
  deepStrictEqual(report.heldBack.toSorted((a, b) => a.component < b.component ? -1 : 1), [
    { component: "kube-proxy", deletes: COUNT },
    { component: "kubelet", deletes: 0 },
  ]);
  strictEqual(/(\d+) deletes of/.exec(stderr)?.[1], String(COUNT));
});

Deno.test("letting go of an older copy of what another node put is nothing to warn of", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const path = (name: string) => `kubelet/configmaps.v1.core/default/${name}`;
  const key = (name: string) => `${node.prefix}/configmaps/default/${name}`;
  for (const name of ["a", "b", "c", "d"]) node.write(path(name));
  expectExit(await node.reconcile(), 0);
  await etcd.put(key("a"), objectBytes(path("a"), { rv: 2 }));
  node.remove(path("a"));
  const dry = await node.reconcile("--dry-run");
  expectExit(dry, 0);
  const { report } = await node.reconcile();
  deepStrictEqual([report.status, report.conflicts, report.released], ["in-step", [], 1]);
  strictEqual((await etcd.keys(key("a"))).size, 1);
  // What an apiserver wrote there is said.
  await etcd.put(key("b"), "k8s\0theirs");
  node.remove(path("b"));
  const said = await node.reconcile();
  expectExit(said, 3);
  deepStrictEqual(said.report.conflicts.map((one) => one.key), [key("b")]);

  await using daemon = await startDaemon(node, SWIFT);
  await until("in step", async () => (await daemon.status()).state === "in-step");
  await etcd.put(key("c"), objectBytes(path("c"), { rv: 2 }));
  node.remove(path("c"));
  await until("let go", async () => (await daemon.status()).keys === 1);
  const { stderr } = await daemon.stop();
  strictEqual(/^(warning|error): /m.test(stderr), false, stderr);
});
