import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ready, startDaemon } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { edgekeyd } from "../support/edgekeyd_process.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

Deno.test("nodes: who is there and who is not, from a machine without a state directory", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using alive = new EdgeNode(server, "edge-1");
  using once = new EdgeNode(server, "edge-2");
  using left = new EdgeNode(server, "edge-3");
  const elsewhere = `${alive.root}/elsewhere`;
  const nodes = (...args: string[]) =>
    edgekeyd(["nodes", `--state-dir=${elsewhere}`, `--etcd-servers=${server.endpoint}`, ...args]);

  const none = await nodes();
  expectExit(none, 0);
  strictEqual(none.stdout, "");
  match(none.stderr, /note: no edgekeyd has written to this etcd/);

  for (const node of [once, left]) {
    node.write("kubelet/pods.v1.core/default/a");
    expectExit(await node.reconcile(), 0);
  }
  expectExit(await left.run(["retire"]), 0);
  alive.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(alive);
  await ready(daemon);
  await etcd.put("/edgekeyd/\x1b[2J/fence", "x");

  const before = await etcd.revision();
  const text = await nodes();
  expectExit(text, 0);
  const [heading, first, second, ...more] = text.stdout.trimEnd().split("\n");
  match(heading ?? "", /^NODE +ALIVE +SINCE +VERSION +STATE DIRECTORY$/);
  match(first ?? "", /^edge-1 +yes +20\d\d-\S+Z +\d\S+ +begun 20\d\d-\S+Z on host /);
  match(second ?? "", /^edge-2 +no +- +- +begun 20\d\d-\S+Z on host /);
  deepStrictEqual(more, []);
  match(text.stderr, /note: 1 key under \/edgekeyd\/ that no edgekeyd of this version wrote/);

  const json = await nodes("-o=json");
  expectExit(json, 0);
  const found = JSON.parse(json.stdout);
  deepStrictEqual(
    found.nodes.map(({ name, alive }: { name: string; alive: boolean }) => [name, alive]),
    [["edge-1", true], ["edge-2", false]],
  );
  deepStrictEqual([found.strangers, found.more], [1, false]);
  strictEqual(await etcd.revision(), before);
  // A daemon of this node changes nothing about it, nor do the settings that it remembers.
  const here = await alive.run(["nodes", "-o=json"]);
  deepStrictEqual(JSON.parse(here.stdout), found);

  strictEqual((await daemon.stop()).code, 0);
  await server.kill();
  const away = await nodes("-o=json", "--etcd-timeout=1s");
  expectExit(away, 1, /can't reach etcd at/);
  match(JSON.parse(away.stdout).failure.message, /can't reach etcd at/);
});

Deno.test("no node may be called claims", async () => {
  expectExit(await edgekeyd(["nodes", "--node-name=claims"]), 2, /claims is edgekeyd's own/);
});
