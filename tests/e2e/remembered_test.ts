import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { readStatus } from "../support/status.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

const PODS = 20;
const POD_DIRECTORY = "kubelet/pods.v1.core";

function writePods(node: EdgeNode): void {
  for (let pod = 0; pod < PODS; pod++) node.write(`${POD_DIRECTORY}/default/p${pod}`);
}

/** What status says where no daemon runs: its exit status, and the names of the conditions. */
async function said(node: EdgeNode): Promise<[number, string[]]> {
  const { code, stdout } = await node.run(["status", "-o=json"]);
  const { daemon, conditions } = readStatus(stdout);
  strictEqual(daemon, false);
  return [code, conditions.map(({ condition }) => condition)];
}

Deno.test("status without a daemon: what the last run held back, did not import or failed with is no in-step", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  writePods(node);
  const bad = "kube-proxy/nodes.v1.core/bad";
  node.write("kube-proxy/nodes.v1.core/edge-1");
  expectExit(await node.reconcile(), 0);
  deepStrictEqual(await said(node), [0, []]);

  Deno.writeTextFileSync(`${node.cacheDir}/${bad}`, "half");
  Deno.renameSync(`${node.cacheDir}/${POD_DIRECTORY}`, `${node.root}/away`);
  expectExit(await node.reconcile(), 3);
  deepStrictEqual(await said(node), [3, ["deletes-held-back", "invalid-paths"]]);
  const page = await node.run(["status"]);
  match(page.stdout, /^ {13}last full pass \d+ s ago$/m);
  match(page.stdout, /20 deletes of kubelet are held back/);
  match(page.stdout, /^files {8}as the last pass found them; /m);
  // Each run says what it found, not what an earlier one did.
  node.remove(bad);
  expectExit(await node.reconcile(), 3);
  deepStrictEqual(await said(node), [3, ["deletes-held-back"]]);

  const failed = await node.reconcile(`--cache-dir=${node.root}/nowhere`);
  expectExit(failed, 1);
  deepStrictEqual(await said(node), [1, ["failing", "deletes-held-back"]]);
  match((await node.run(["status"])).stdout, /the last pass failed: .*\/nowhere/);
  // A dry run tells, and changes nothing.
  await node.reconcile("--dry-run");
  strictEqual((await said(node))[0], 1);

  // What was let go of by name is not held back any more.
  node.remove("kubelet");
  expectExit(await node.run(["delete-component", "kubelet"]), 0);
  expectExit(await node.reconcile(), 0);
  deepStrictEqual(await said(node), [0, []]);
});

Deno.test("status without a daemon: a retired node says so until it takes part again", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  writePods(node);
  expectExit(await node.reconcile(), 0);
  expectExit(await node.run(["retire"]), 0);
  deepStrictEqual(await said(node), [1, ["retired"]]);

  const record = `${node.root}/component-key-cache`;
  Deno.writeTextFileSync(record, `kubelet#_v1_pods:${node.prefix}/pods/default/x\n`);
  const before = await etcd.revision();
  for (
    const command of [
      ["--reconcile"],
      ["--reconcile", "--dry-run"],
      ["--reconcile", "--adopt"],
      ["--reconcile", "--confirm-deletes"],
      ["delete-component", "kubelet"],
      ["delete-unclaimed", `${node.prefix}/pods/default/x`],
      ["import-key-cache", record],
    ]
  ) {
    expectExit(await node.run(command), 1, /this node was retired; .*--reconcile --rejoin/);
    deepStrictEqual(await said(node), [1, ["retired"]], String(command));
  }
  expectExit(await node.run(["retire"]), 0);
  expectExit(await node.reconcile("--rejoin", "--dry-run"), 0);
  strictEqual(await etcd.revision(), before);
  deepStrictEqual(await said(node), [1, ["retired"]]);

  expectExit(await node.reconcile("--rejoin"), 0);
  deepStrictEqual(await said(node), [0, []]);
  expectExit(await node.reconcile(), 0);
});

Deno.test("a node that takes part again is no longer retired when its first run fails", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  writePods(node);
  expectExit(await node.reconcile(), 0);
  expectExit(await node.run(["retire"]), 0);
  const gone = `--cache-dir=${node.root}/gone`;
  expectExit(await node.run(["--reconcile", "--rejoin", gone]), 1, /gone is missing/);
  expectExit(await node.reconcile(), 0);
});
