import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { expectExit } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView, objectBytes, QUICK } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";

const POOL = ["--etcd-prefix=/pool/registry"];

Deno.test("retire leaves a pool clean; shared keys come back with the other node's drift pass", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using a = new EdgeNode(server, "node-a");
  using b = new EdgeNode(server, "node-b");
  const shared = ["services.v1.core/default/web", "nodes.v1.core/cloud"];
  for (const path of shared) {
    a.write(`kube-proxy/${path}`, { rv: 7 });
    b.write(`kube-proxy/${path}`, { rv: 7 });
  }
  a.write("kubelet/pods.v1.core/default/of-a");
  b.write("kubelet/pods.v1.core/default/of-b");
  const reconcile = (node: EdgeNode) => node.run(["--reconcile", "-o", "json", ...QUICK, ...POOL]);
  expectExit(await reconcile(a), 0);
  expectExit(await reconcile(b), 0);
  const all = await etcd.keys("/pool/");
  strictEqual(all.size, 4);
  const another = "/pool/registry/pods/default/of-another-importer";
  await etcd.put(another, objectBytes("x/pods.v1.core/default/of-another-importer"));

  // A key of ours that another has changed since is left, and said.
  const changed = "/pool/registry/pods/default/of-a";
  await etcd.put(changed, "k8s\0 an apiserver's");
  expectExit(await a.run(["retire", ...POOL]), 3, /left in etcd: 1 key/);
  deepStrictEqual(
    [...(await etcd.keys("/pool/")).keys()].sort(),
    [
      changed,
      another,
      "/pool/registry/pods/default/of-b",
    ].sort(),
  );
  deepStrictEqual([...(await etcd.keys("/edgekeyd/")).keys()], ["/edgekeyd/node-b/fence"]);

  const drift = await reconcile(b);
  expectExit(drift, 0);
  strictEqual(JSON.parse(drift.stdout).created, 2);
  for (const key of ["services/specs/default/web", "minions/cloud"]) {
    strictEqual((await etcd.keys(`/pool/registry/${key}`)).size, 1, "the shared key is back");
  }

  // Again is no error, and does nothing; the node may come back.
  const before = await etcd.revision();
  expectExit(await a.run(["retire", ...POOL]), 0);
  strictEqual(await etcd.revision(), before);
  expectExit(await b.run(["retire", ...POOL]), 0);
  deepStrictEqual([...(await etcd.keys("/")).keys()].sort(), [changed, another].sort());
});
