import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { cpSync } from "node:fs";
import { expectExit, shown } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView, objectBytes, QUICK } from "../e2e/_node.ts";
import type { EdgekeydResult } from "../support/edgekeyd_process.ts";
import { startEtcd } from "../support/etcd_server.ts";

const APISERVER = "k8s\0 written by an apiserver";
const ASKED_TO_ADOPT = /`edgekeyd --reconcile --adopt --state-dir \S+`/;

/** Ten objects of two components; what each run must leave in etcd. */
function fill(node: EdgeNode): void {
  for (let i = 0; i < 8; i++) node.write(`kubelet/pods.v1.core/default/p${i}`, { rv: 10 });
  node.write("kubelet/nodes.v1.core/n1", { rv: 10 });
  node.write("kube-proxy/nodes.v1.core/n1", { rv: 10 });
  node.write("agent/configmaps.v1.core/shop/c", { rv: 10 });
}

function reconcile(node: EdgeNode, ...args: string[]): Promise<EdgekeydResult> {
  return node.run(["--reconcile", "-o", "json", ...QUICK, ...args]);
}

function report(result: EdgekeydResult): Record<string, unknown> {
  return JSON.parse(result.stdout);
}

/** Runs that must end with exit 1 and the way out, and change nothing in etcd. */
async function expectRefused(node: EdgeNode, etcd: EtcdView): Promise<void> {
  const before = await etcd.revision();
  for (
    const command of [
      ["--reconcile", ...QUICK],
      ["--reconcile", "--dry-run", ...QUICK],
      ["delete-component", "nobody"],
      ["retire"],
      ["delete-unclaimed", `${node.prefix}/pods/default/p0`],
    ]
  ) {
    expectExit(await node.run(command), 1, ASKED_TO_ADOPT);
  }
  strictEqual(await etcd.revision(), before, "nothing was written");
}

Deno.test("a cache that was lost: said, rebuilt by --adopt, nothing deleted that was not named", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server, "lost");
  fill(node);
  expectExit(await reconcile(node), 0);
  const pods = `${node.prefix}/pods/default`;
  const secret = `${node.prefix}/secrets/default/s`;
  const left = `${node.prefix}/configmaps/shop/left`;

  // While the cache is gone: one file goes, others' keys come.
  Deno.removeSync(node.stateDir, { recursive: true });
  node.remove("kubelet/pods.v1.core/default/p7");
  await etcd.put(`${pods}/other-node`, objectBytes("x/pods.v1.core/default/other-node"));
  await etcd.put(`${pods}/apiserver`, APISERVER);
  await etcd.put(secret, objectBytes("x/secrets.v1.core/default/s"));
  await etcd.put(left, objectBytes("x/configmaps.v1.core/shop/left"));
  const before = await etcd.keys(node.prefix);

  await t.step("every command that would write refuses", () => expectRefused(node, etcd));

  await t.step("--adopt takes over what the files hold, and lists the rest", async () => {
    const adopted = await reconcile(node, "--adopt");
    expectExit(adopted, 0);
    deepStrictEqual(report(adopted).unclaimed, [left, `${pods}/other-node`, `${pods}/p7`]);
    match(
      adopted.stderr,
      /no component here: 3, .*`edgekeyd delete-unclaimed KEY\.\.\. --state-dir \S+`/,
    );
    deepStrictEqual(await etcd.keys(node.prefix), before, "not one key was touched");
    const next = await reconcile(node, "--adopt");
    expectExit(next, 0);
    strictEqual("unclaimed" in report(next), false);
  });

  await t.step(
    "delete-unclaimed deletes what is named, once nothing speaks against it",
    async () => {
      const refused = async (key: string, why: RegExp) =>
        expectExit(await node.run(["delete-unclaimed", `${pods}/p7`, key]), 1, why);
      await refused(`${pods}/p0`, /has an owner on this node/);
      await refused(`${pods}/apiserver`, /was written by an apiserver/);
      await refused("/elsewhere/key", /is not under --etcd-prefix/);
      await refused(`/edgekeyd/${node.name}/fence`, /is not under --etcd-prefix/);
      deepStrictEqual(await etcd.keys(node.prefix), before, "one bad name, and nothing is deleted");
      const missing = `${pods}/never-was`;
      const deleted = await node.run([
        "delete-unclaimed",
        "-o",
        "json",
        `${pods}/p7`,
        left,
        missing,
      ]);
      expectExit(deleted, 0);
      strictEqual(report(deleted).deleted, 2);
      before.delete(`${pods}/p7`);
      before.delete(left);
      deepStrictEqual(await etcd.keys(node.prefix), before);
      expectExit(await node.run(["delete-unclaimed", `${pods}/p7`]), 0);
    },
  );

  await t.step("what was taken over is ours to delete", async () => {
    node.remove("kubelet/pods.v1.core/default/p6");
    node.remove("kube-proxy/nodes.v1.core/n1");
    const result = await reconcile(node);
    expectExit(result, 0);
    strictEqual(report(result).deleted, 1);
    before.delete(`${pods}/p6`);
    deepStrictEqual(await etcd.keys(node.prefix), before);
  });
});

Deno.test("--adopt that is cut short goes on, with or without the flag", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server, "cut");
  fill(node);
  expectExit(await reconcile(node), 0);
  Deno.removeSync(node.stateDir, { recursive: true });
  const left = `${node.prefix}/pods/default/left`;
  await etcd.put(left, objectBytes("x/pods.v1.core/default/left"));
  const main = new URL("agent_with_kill_points.ts", import.meta.url).pathname;
  const killed = await node.run(["--reconcile", "--adopt", ...QUICK], {
    main,
    env: { KILL_POINT: "txn-after:1" },
  });
  strictEqual(killed.signal, "SIGKILL", shown(killed));
  const done = await reconcile(node);
  expectExit(done, 0);
  deepStrictEqual(report(done).unclaimed, [left]);
  node.remove("agent/configmaps.v1.core/shop/c");
  strictEqual(report(await reconcile(node)).deleted, 1, "it was taken over");
});

Deno.test("a cache that was rolled back is noticed, and rebuilt by --adopt", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server, "rolled-back");
  fill(node);
  expectExit(await reconcile(node), 0);
  cpSync(node.stateDir, `${node.root}/old-state`, { recursive: true });
  node.write("kubelet/pods.v1.core/default/new", { rv: 20 });
  node.remove("kubelet/pods.v1.core/default/p0");
  expectExit(await reconcile(node), 0);
  const before = await etcd.keys(node.prefix);

  Deno.removeSync(node.stateDir, { recursive: true });
  Deno.renameSync(`${node.root}/old-state`, node.stateDir);
  node.remove("kubelet/pods.v1.core/default/new");
  await expectRefused(node, etcd);
  const adopted = await reconcile(node, "--adopt");
  expectExit(adopted, 0);
  deepStrictEqual(report(adopted).unclaimed, [`${node.prefix}/pods/default/new`]);
  deepStrictEqual(await etcd.keys(node.prefix), before);
});

Deno.test("another agent with this node's name is noticed by whichever comes second", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server, "twin");
  fill(node);
  expectExit(await reconcile(node), 0);
  const otherState = [`--state-dir=${node.root}/other-state`];
  expectExit(
    await reconcile(node, ...otherState),
    1,
    ASKED_TO_ADOPT,
    /another agent uses the name/,
  );
  expectExit(await reconcile(node, ...otherState, "--adopt"), 0);
  await expectRefused(node, etcd);
});

Deno.test("import-key-cache: from OpenYurt's own etcd storage, without a ghost", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server, "migrated");
  fill(node);
  const { prefix } = node;
  // What yurthub wrote: the current objects, some whose files are gone, a doubled Namespace.
  for (let i = 0; i < 8; i++) {
    const path = `kubelet/pods.v1.core/default/p${i}`;
    await etcd.put(`${prefix}/pods/default/p${i}`, objectBytes(path, { rv: 10 }));
  }
  const ghosts = [`${prefix}/pods/default/ghost`, `${prefix}/configmaps/shop/ghost`];
  await etcd.put(ghosts[0] ?? "", objectBytes("x/pods.v1.core/default/ghost", { rv: 5 }));
  await etcd.put(ghosts[1] ?? "", objectBytes("x/configmaps.v1.core/shop/ghost", { rv: 5 }));
  const doubled = `${prefix}/namespaces/shop/shop`;
  await etcd.put(doubled, objectBytes("x/namespaces.v1.core/shop"));
  const apiserver = `${prefix}/pods/default/apiserver`;
  await etcd.put(apiserver, APISERVER);
  const otherNode = `${prefix}/pods/default/other-node`;
  await etcd.put(otherNode, objectBytes("x/pods.v1.core/default/other-node"));
  const file = `${node.root}/component-key-cache`;
  const pods = Array.from({ length: 8 }, (_, i) => `${prefix}/pods/default/p${i}`);
  Deno.writeTextFileSync(
    file,
    `kubelet#_v1_pods:${
      [...pods, ghosts[0], apiserver, `${prefix}/pods/default/gone`].join(",")
    };` +
      `_v1_namespaces:${doubled}\nagent#_v1_configmaps:${ghosts[1]}\n`,
  );
  // Whether the operator has reconciled before makes no difference.
  expectExit(await reconcile(node), 0);

  const revision = await etcd.revision();
  await t.step("takes over what an importer wrote, in the cache alone", async () => {
    const result = await node.run(["import-key-cache", "-o", "json", file]);
    expectExit(result, 3, /2 keys not taken over/);
    deepStrictEqual(
      { ...report(result), left: undefined },
      { taken: 10, held: 0, absent: 1, left: undefined },
    );
    strictEqual(await etcd.revision(), revision);
    const again = await node.run(["import-key-cache", "-o", "json", file]);
    deepStrictEqual([report(again).taken, report(again).held], [0, 10]);
  });

  await t.step("the next reconcile deletes the ghosts and nothing else", async () => {
    const before = await etcd.keys(prefix);
    const result = await reconcile(node);
    expectExit(result, 0);
    strictEqual(report(result).deleted, 2);
    for (const ghost of ghosts) before.delete(ghost);
    deepStrictEqual(await etcd.keys(prefix), before);
    node.remove("kubelet/pods.v1.core/default/p0");
    strictEqual(report(await reconcile(node)).deleted, 1, "what was taken over is ours");
  });

  await t.step("what no file can stand for goes when it is named", async () => {
    expectExit(await node.run(["delete-unclaimed", doubled]), 0);
    strictEqual((await etcd.keys(prefix)).has(doubled), false);
  });

  await t.step("an empty fs cache does not empty the pool", async () => {
    using other = new EdgeNode(server, "migrated-empty");
    const keys = Array.from({ length: 12 }, (_, i) => `${other.prefix}/pods/default/p${i}`);
    for (const [i, key] of keys.entries()) {
      await etcd.put(key, objectBytes(`x/pods.v1.core/default/p${i}`));
    }
    Deno.writeTextFileSync(file, `kubelet#_v1_pods:${keys.join(",")}\n`);
    expectExit(await other.run(["import-key-cache", file]), 0);
    expectExit(await reconcile(other), 3, /12 deletes of kubelet held back/);
    Deno.mkdirSync(`${other.cacheDir}/kubelet/pods.v1.core`, { recursive: true });
    expectExit(await reconcile(other), 3, /12 deletes of kubelet held back/);
    expectExit(await reconcile(other, "--confirm-deletes"), 0);
    strictEqual((await etcd.keys(other.prefix)).size, 0);
  });

  await t.step("a file that is not one", async () => {
    Deno.writeTextFileSync(file, "{}\n");
    expectExit(await node.run(["import-key-cache", file]), 1, /line 1 is not one of OpenYurt's/);
    expectExit(await node.run(["import-key-cache", `${file}-not-there`]), 1, /cannot read/);
  });
});
