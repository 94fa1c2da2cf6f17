import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { freePort, startEtcd } from "../support/etcd_server.ts";
import { expectExit, shown } from "./_contract.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

Deno.test("commands: keys, owners, status, verify, delete-component, retire", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const p = node.prefix;
  const keys = {
    node: `${p}/minions/edge-1`,
    pod: `${p}/pods/default/a`,
    service: `${p}/services/specs/default/s`,
  };

  await t.step("without a cache they say what to do, and make none", async () => {
    const commands = [
      ["keys"],
      ["owners", keys.pod],
      ["status"],
      ["status", "-o=json"],
      ["verify"],
      ["delete-component", "kubelet"],
      ["retire"],
    ];
    for (const args of commands) {
      const result = await node.run(args);
      expectExit(result, 1, /no component-key cache in .*run `edgekeyd --reconcile` first/);
      strictEqual(result.stdout, "");
    }
    deepStrictEqual([...Deno.readDirSync(node.root)].map(({ name }) => name), ["cache"]);
  });

  node.write("kubelet/nodes.v1.core/edge-1");
  node.write("kubelet/pods.v1.core/default/a", { rv: 7, uid: "u-1" });
  node.write("kube-proxy/nodes.v1.core/edge-1");
  node.write("kube-proxy/services.v1.core/default/s");
  expectExit(await node.reconcile(), 0);

  await t.step("keys", async () => {
    const list = async (...args: string[]) => {
      const text = await node.run(["keys", ...args]);
      expectExit(text, 0);
      const json = await node.run(["keys", ...args, "--output=json"]);
      expectExit(json, 0);
      const lines = text.stdout === "" ? [] : text.stdout.trimEnd().split("\n");
      deepStrictEqual(JSON.parse(json.stdout), lines);
      return lines;
    };
    deepStrictEqual(await list(), [keys.node, keys.pod, keys.service]);
    deepStrictEqual(await list("kube-proxy"), [keys.node, keys.service]);
    deepStrictEqual(await list("kubelet", "pods.v1.core"), [keys.pod]);
    deepStrictEqual(await list("nobody"), []);
  });

  await t.step("owners", async () => {
    const text = await node.run(["owners", keys.node]);
    expectExit(text, 0);
    deepStrictEqual(text.stdout.trimEnd().split("\n").sort(), [
      "kube-proxy nodes.v1.core",
      "kubelet nodes.v1.core",
    ]);
    const json = await node.run(["owners", keys.pod, "-o", "json"]);
    expectExit(json, 0);
    deepStrictEqual(JSON.parse(json.stdout), [{
      component: "kubelet",
      gvr: "pods.v1.core",
      uid: "u-1",
      resourceVersion: "7",
      source: "current",
    }]);
    const none = await node.run(["owners", `${p}/pods/default/none`]);
    expectExit(none, 1, /\/pods\/default\/none has no owner on this node/);
    strictEqual(none.stdout, "");
    const noneJson = await node.run(["owners", `${p}/pods/default/none`, "-o=json"]);
    expectExit(noneJson, 1);
    deepStrictEqual(JSON.parse(noneJson.stdout), []);
  });

  await t.step("status", async () => {
    const text = await node.run(["status"]);
    expectExit(text, 0);
    match(text.stdout, /^node {9}n1 \(keys under \/n1\/registry\)$/m);
    match(text.stdout, /^state .*: 3 keys$/m);
    match(text.stdout, /revision \d+, \d+ ms, fence in-step$/m);
    const json = await node.run(["status", "-o", "json"]);
    expectExit(json, 0);
    const status = JSON.parse(json.stdout);
    strictEqual(status.keys, 3);
    strictEqual(status.etcd.fence, "in-step");
    deepStrictEqual(status.components[0], {
      component: "kube-proxy",
      resources: [{ gvr: "nodes.v1.core", keys: 1 }, { gvr: "services.v1.core", keys: 1 }],
    });
    // An etcd that is away is what status is asked about.
    const away = await node.run([
      "status",
      `--etcd-servers=127.0.0.1:${freePort()}`,
      "--etcd-timeout=300ms",
    ]);
    expectExit(away, 0);
    match(away.stdout, /can't reach etcd at/);
  });

  await t.step("verify", async () => {
    const before = await etcd.revision();
    const text = await node.run(["verify"]);
    expectExit(text, 0);
    match(text.stdout, /^3 keys, 0 drifted, revision \d+\n$/);
    strictEqual(await etcd.revision(), before);
    await etcd.put(keys.service, "changed");
    const drift = await node.run(["verify"]);
    expectExit(drift, 3, /services\/specs\/default\/s: changed in etcd by another/);
    match(drift.stdout, /^drift {2}\/n1\/registry\/services\/specs\/default\/s: changed/m);
    strictEqual(drift.stdout.includes('changed"'), false);
    const away = await node.run([
      "verify",
      `--etcd-servers=127.0.0.1:${freePort()}`,
      "--etcd-timeout=300ms",
    ]);
    expectExit(away, 1, /can't reach etcd/);
  });

  await t.step("delete-component", async () => {
    const refused = await node.run(["delete-component", "kube-proxy"]);
    expectExit(refused, 1, /kube-proxy is still in the fs cache.*remove it first/);
    node.remove("kube-proxy");
    const gone = await node.run(["delete-component", "kube-proxy", "-o", "json"]);
    // The service was overwritten above: another's value is left, and said.
    expectExit(gone, 3, /left in etcd: 1 key \(.*services\/specs\/default\/s: changed/);
    const { deleted, released, conflicts } = JSON.parse(gone.stdout);
    deepStrictEqual({ deleted, released, conflicts: conflicts.length }, {
      deleted: 0,
      released: 2,
      conflicts: 1,
    });
    const found = await etcd.keys(`${p}/`);
    deepStrictEqual([...found.keys()], [keys.node, keys.pod, keys.service]);
    strictEqual((await node.run(["owners", keys.node])).stdout, "kubelet nodes.v1.core\n");
    const again = await node.run(["delete-component", "kube-proxy"]);
    expectExit(again, 0);
    match(again.stdout, /^0 deleted, 0 released; 0 Txns\n$/, shown(again));
    const noRoot = await node.run(["delete-component", "x", "--cache-dir=/nonexistent"]);
    expectExit(noRoot, 1, /cache directory \/nonexistent is missing: check --cache-dir/);
  });

  await t.step("retire", async () => {
    const text = await node.run(["retire"]);
    expectExit(text, 0);
    match(text.stdout, /^2 deleted, 0 released; 1 Txns?\n$/);
    deepStrictEqual([...(await etcd.keys("/")).keys()], [keys.service]);
    expectExit(await node.run(["retire", "-o=json"]), 0);
    strictEqual((await node.run(["keys"])).stdout, "");
    // It may come back.
    expectExit(await node.reconcile(), 0);
    strictEqual((await etcd.keys("/edgekeyd/")).size, 1);
  });
});
