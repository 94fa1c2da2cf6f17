import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { freePort, startEtcd } from "../support/etcd_server.ts";
import { readStatus } from "../support/status.ts";
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
      expectExit(
        result,
        1,
        /no component-key cache in .*run `edgekeyd --reconcile --state-dir \S+` first, with --etcd-servers/,
      );
      if (!args.includes("-o=json")) strictEqual(result.stdout, "");
      else strictEqual(JSON.parse(result.stdout).failure.code, "NotReady");
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
    deepStrictEqual(await list("kubelet", "leases.v1.coordination.k8s.io"), []);
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
    match(text.stdout, /^node {9}n1 \(keys under \/n1\/registry\), no daemon is running$/m);
    match(text.stdout, /^state {8}in-step$/m);
    match(text.stdout, /^ {13}answers in \d+\.\d ms, revision \d+$/m);
    match(text.stdout, /^keys {9}3 keys in \/.*\/state$/m);
    match(text.stdout, /^component {4}kube-proxy: 2 keys$/m);
    match(text.stdout, /^problem {6}none$/m);
    const json = await node.run(["status", "-o", "json"]);
    expectExit(json, 0);
    const status = readStatus(json.stdout);
    deepStrictEqual([status.daemon, status.state, status.keys], [false, "in-step", 3]);
    const { lastSuccessMs } = status;
    strictEqual(typeof lastSuccessMs, "number");
    deepStrictEqual(status.components[0], {
      component: "kube-proxy",
      resources: [{ gvr: "nodes.v1.core", keys: 1 }, { gvr: "services.v1.core", keys: 1 }],
      conflicts: 0,
      invalid: 0,
      heldBack: 0,
      lastSyncMs: lastSuccessMs,
    });
    // What only a daemon knows is not guessed.
    for (const name of ["settings", "dirtyGroups", "watchFailure"]) {
      strictEqual(name in status, false, name);
    }
    const away = await node.run([
      "status",
      "-o=json",
      `--etcd-servers=127.0.0.1:${freePort()}`,
      "--etcd-timeout=300ms",
    ]);
    expectExit(away, 1, /can't reach etcd at/);
    const seen = readStatus(away.stdout);
    deepStrictEqual([seen.state, seen.etcd.state, seen.keys], ["etcd-away", "away", 3]);
    match(seen.notReady.join(), /can't reach etcd at/);
  });

  await t.step(
    "status: what is not in step is exit 3, what the next run can't mend 1",
    async () => {
      const fence = `/edgekeyd/${node.name}/fence`;
      const held = (await etcd.keys(fence)).get(fence)?.value ?? "";
      await etcd.put(fence, "another/1/x");
      const lost = await node.run(["status", "-o=json"]);
      expectExit(lost, 1, /another state directory wrote to etcd .*--adopt/);
      strictEqual(readStatus(lost.stdout).state, "failing");
      expectExit(await node.run(["verify"]), 3, /another state directory wrote to etcd .*--adopt/);
      await etcd.raw.delete().key(fence);
      const reset = await node.run(["status", "-o=json"]);
      expectExit(
        reset,
        3,
        /etcd came back empty or older .*`edgekeyd --reconcile --state-dir \S+`/,
      );
      strictEqual(readStatus(reset.stdout).state, "partial");
      expectExit(await node.run(["verify"]), 3, /etcd came back empty or older/);
      await etcd.put(fence, held);
      await etcd.put(keys.pod, "k8s\0theirs");
      expectExit(await node.reconcile(), 3);
      const conflict = await node.run(["status", "-o=json"]);
      expectExit(
        conflict,
        3,
        /^edgekeyd: in step but for 1 key left to others .*delete them in etcd/,
      );
      const { conflicts, components, othersKeys } = readStatus(conflict.stdout);
      deepStrictEqual(conflicts, [
        { key: keys.pod, reason: "etcd holds a value that an apiserver wrote" },
      ]);
      deepStrictEqual(components.map((one) => [one.component, one.conflicts]), [
        ["kube-proxy", 0],
        ["kubelet", 1],
      ]);
      strictEqual(othersKeys, 1);
      const text = await node.run(["status"]);
      match(
        text.stdout,
        /^problem {6}1 key left to others\nproblem {6}\/n1\/registry\/pods\/default\/a: .*wrote\nproblem {6}\(delete them in etcd .*\)$/m,
      );
      await etcd.raw.delete().key(keys.pod);
      expectExit(await node.reconcile(), 0);
    },
  );

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
    match(again.stderr, /^edgekeyd: note: there was nothing to delete/);
    const noRoot = await node.run(["delete-component", "x", `--cache-dir=${node.root}/gone`]);
    expectExit(noRoot, 1, /cache directory \/.*\/gone is missing: check --cache-dir/);
  });

  await t.step("retire", async () => {
    const text = await node.run(["retire"]);
    expectExit(text, 0);
    match(text.stdout, /^2 deleted, 0 released; 1 Txns?\n$/);
    deepStrictEqual([...(await etcd.keys("/")).keys()], [keys.service]);
    expectExit(await node.run(["retire", "-o=json"]), 0);
    strictEqual((await node.run(["keys"])).stdout, "");
    // It may come back.
    expectExit(await node.reconcile("--rejoin"), 0);
    strictEqual((await etcd.keys("/edgekeyd/")).size, 1);
  });
});
