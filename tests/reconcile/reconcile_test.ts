import assert from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { dieAfter, dieBefore, loseAnswer, type TxnHook } from "../support/hooked_etcd.ts";
import { objectJson } from "../support/objects.ts";
import type { NodeOptions } from "../support/test_node.ts";
import { verify } from "../../lib/reconcile/verify.ts";
import { IDLE, World } from "./_world.ts";

const POD = "kubelet/pods.v1.core/default";
const APISERVER = "etcd holds a value that an apiserver wrote";
const SKIPPED = "etcd holds another importer's value (--conflict-policy skip)";

/**
 * Imports thirty pods.
 *
 * @returns removes so many of them
 */
async function withThirtyPods(world: World): Promise<(count: number) => void> {
  const names = Array.from({ length: 30 }, (_, at) => `p${at}`);
  const { files } = world;
  for (const name of names) files.put(`${POD}/${name}`);
  await world.run();
  return (count) => {
    for (const name of names.splice(0, count)) files.remove(`${POD}/${name}`);
  };
}

Deno.test("reconcile() on a real etcd and a real fs cache", async (t) => {
  await using server = await startEtcd();
  const step = async (
    name: string,
    body: (world: World) => Promise<void>,
    options: NodeOptions = {},
  ) => {
    await t.step(name, async () => {
      await using world = await World.start(server, options);
      await body(world);
    });
  };

  await step(
    "a first import puts the files' very bytes; a second run writes nothing",
    async (world) => {
      const { files } = world;
      const odd = `\n  ${objectJson({ name: "odd" })}\n\n`;
      files.write(`${POD}/odd`, odd);
      const values = {
        "/minions/edge-1": files.put("kubelet/nodes.v1.core/edge-1"),
        "/pods/default/a": files.put(`${POD}/a`),
        "/pods/default/odd": odd,
        "/services/specs/default/kubernetes": files.put(
          "kube-proxy/services.v1.core/default/kubernetes",
        ),
        "/clusterroles/system:node": files.put(
          "kubelet/clusterroles.v1.rbac.authorization.k8s.io/system:node",
        ),
        "/apps.openyurt.io/nodepools/hangzhou": files.put(
          "yurthub/nodepools.v1beta1.apps.openyurt.io/hangzhou",
        ),
        "/namespaces/default": files.put("coredns/namespaces.v1.core/default"),
      };
      files.write("version", "{}");
      files.mkdir("flanneld/pods.v1.core");
      assert.deepEqual(await world.run(), { ...IDLE, created: 7 });
      await world.holds(values);
      assert.equal(
        new Set([...(await world.node.stored()).values()].map(({ mod }) => mod)).size,
        1,
      );

      const revision = await world.node.revision();
      assert.deepEqual(await world.run(), { ...IDLE, unchanged: 7 });
      await world.node.restart();
      assert.deepEqual(await world.run(), { ...IDLE, unchanged: 7 });
      assert.equal(await world.node.revision(), revision);
    },
  );

  await step(
    "a changed file updates its key, a removed one deletes it, nothing else is touched",
    async (world) => {
      const { files } = world;
      for (const name of ["a", "b", "c"]) files.put(`${POD}/${name}`);
      await world.run();
      const before = await world.node.stored();
      const b = files.put(`${POD}/b`, { resourceVersion: "8" });
      files.remove(`${POD}/a`);
      const d = files.put(`${POD}/d`);
      const done = await world.run();
      assert.deepEqual(done, { ...IDLE, created: 1, updated: 1, deleted: 1, unchanged: 1 });
      const after = await world.node.stored();
      assert.deepEqual([...after.keys()].map((key) => key.slice(-1)), ["b", "c", "d"]);
      assert.deepEqual(after.get("/pods/default/c"), before.get("/pods/default/c"));
      assert.deepEqual(
        [after.get("/pods/default/b")?.value, after.get("/pods/default/d")?.value],
        [b, d],
      );
      assert.equal(after.get("/pods/default/b")?.mod, after.get("/pods/default/d")?.mod);
    },
  );

  await step(
    "an etcd that came back empty is filled again from a backup that stands",
    async (world) => {
      const { files, node } = world;
      const values = {
        "/pods/default/a": files.put(`${POD}/a`),
        "/minions/n": files.put("kubelet/nodes.v1.core/n"),
      };
      await world.run();
      // yurthub made its backups and was killed there.
      files.rename("kubelet/pods.v1.core", "kubelet/tmp_pods.v1.core");
      files.rename("kubelet/nodes.v1.core/n", "kubelet/nodes.v1.core/tmp_n");
      await node.wipeEtcd();
      assert.deepEqual(await world.run(), { ...IDLE, status: "partial", created: 2 });
      await world.holds(values);
    },
  );

  await step(
    "a bad file does not keep another component's same object from being put",
    async (world) => {
      const { files, node } = world;
      files.put(`${POD}/a`);
      // Of two with one version, the first by name is put.
      const twin = files.put("zz-agent/pods.v1.core/default/a");
      await world.run();
      files.write(`${POD}/a`, "{ no object");
      await node.wipeEtcd();
      const { report, failure } = await world.outcome();
      assert.deepEqual([failure, report.created, report.invalid.length], [undefined, 1, 1]);
      await world.holds({ "/pods/default/a": twin });
    },
  );

  await step(
    "an object of a rebuilt cloud, with a new uid and a low resourceVersion, replaces ours",
    async (world) => {
      world.files.put(`${POD}/a`, { resourceVersion: "1000", uid: "old" });
      await world.run();
      const text = world.files.put(`${POD}/a`, { resourceVersion: "3", uid: "new" });
      assert.deepEqual(await world.run(), { ...IDLE, updated: 1 });
      await world.holds({ "/pods/default/a": text });
    },
  );

  await step("a key of two components goes with the last of them", async (world) => {
    const { files } = world;
    const older = files.put("kubelet/services.v1.core/default/s");
    const newest = files.put("kube-proxy/services.v1.core/default/s", { resourceVersion: "8" });
    files.put("kube-proxy/services.v1.core/default/t");
    assert.deepEqual(await world.run(), { ...IDLE, created: 2 });
    assert.equal((await world.values())["/services/specs/default/s"], newest);
    files.remove("kube-proxy/services.v1.core/default/s");
    assert.deepEqual(await world.run(), { ...IDLE, updated: 1, released: 1, unchanged: 1 });
    assert.equal((await world.values())["/services/specs/default/s"], older);
    files.remove("kubelet/services.v1.core/default/s");
    assert.deepEqual(await world.run(), { ...IDLE, deleted: 1, unchanged: 1 });
    assert.deepEqual(await world.node.keys(), ["/services/specs/default/t"]);
  });

  await step("two versions, and two groups, of one object share one key", async (world) => {
    const { files } = world;
    const hpa = (version: string) => `kubelet/horizontalpodautoscalers.${version}.autoscaling/d/h`;
    const v1 = files.put(hpa("v1"));
    const v2 = files.put(hpa("v2"));
    const core = files.put("kubelet/events.v1.core/d/e");
    const events = files.put("kubelet/events.v1.events.k8s.io/d/e");
    assert.deepEqual(await world.run(), { ...IDLE, created: 2 });
    // On equal resourceVersions the higher version, and the core group.
    await world.holds({ "/events/d/e": core, "/horizontalpodautoscalers/d/h": v2 });
    files.remove(hpa("v2"));
    files.remove("kubelet/events.v1.core/d/e");
    assert.deepEqual(await world.run(), { ...IDLE, updated: 2, released: 2 });
    await world.holds({ "/events/d/e": events, "/horizontalpodautoscalers/d/h": v1 });
    files.remove(hpa("v1"));
    files.remove("kubelet/events.v1.events.k8s.io/d/e");
    assert.deepEqual(await world.run(), { ...IDLE, deleted: 2 });
  });

  await step(
    "the older layout is read by each object's own apiVersion, and may move to the current one",
    async (world) => {
      const { files } = world;
      const a = files.put("kubelet/pods/default/a", { gvr: "pods.v1.core" });
      const ingress = files.put("kubelet/ingresses/default/i", {
        gvr: "ingresses.v1.networking.k8s.io",
      });
      const crd = files.put("kubelet/nodepools/p", { gvr: "nodepools.v1beta1.apps.openyurt.io" });
      assert.deepEqual(await world.run(), { ...IDLE, created: 3 });
      const values = {
        "/apps.openyurt.io/nodepools/p": crd,
        "/ingress/default/i": ingress,
        "/pods/default/a": a,
      };
      await world.holds(values);
      const revision = await world.node.revision();
      files.mkdir(POD);
      files.rename("kubelet/pods/default/a", `${POD}/a`);
      assert.deepEqual(await world.run(), { ...IDLE, unchanged: 3 });
      assert.deepEqual(await world.run(), { ...IDLE, unchanged: 3 });
      assert.equal(await world.node.revision(), revision);
      files.remove("kubelet/pods");
      files.remove(`${POD}/a`);
      assert.deepEqual(await world.run(), { ...IDLE, deleted: 1, unchanged: 2 });
      assert.deepEqual(await world.node.keys(), [
        "/apps.openyurt.io/nodepools/p",
        "/ingress/default/i",
      ]);
    },
  );

  await step(
    "a file of the older layout that becomes another group's object leaves no ghost",
    async (world) => {
      const { files } = world;
      files.put("kubelet/services/default/s", { gvr: "services.v1.core" });
      await world.run();
      const knative = files.put("kubelet/services/default/s", {
        gvr: "services.v1.serving.knative.dev",
        resourceVersion: "8",
      });
      assert.deepEqual(await world.run(), { ...IDLE, created: 1, deleted: 1 });
      await world.holds({ "/serving.knative.dev/services/default/s": knative });
      files.remove("kubelet/services/default/s");
      await world.run();
      assert.deepEqual(await world.node.keys(), []);
    },
  );

  await step(
    "nor do many that become another's while their deletes are held back",
    async (world) => {
      const { files } = world;
      const names = Array.from({ length: 12 }, (_, at) => `s${at + 10}`);
      const put = (gvr: string) => {
        for (const name of names) files.put(`kubelet/services/default/${name}`, { gvr });
      };
      put("services.v1.core");
      await world.run();
      put("services.v1.serving.knative.dev");
      const heldBack = [{ component: "kubelet", deletes: 12 }];
      assert.deepEqual(await world.run(), {
        ...IDLE,
        status: "partial",
        created: 12,
        unchanged: 12,
        heldBack,
      });
      // The files are as they were, and stand for one key each all the same.
      await world.node.restart();
      assert.deepEqual((await world.run({ maxDeletePercent: 40 })).heldBack, heldBack);
      assert.deepEqual(await world.run({ confirmDeletes: true }), {
        ...IDLE,
        deleted: 12,
        unchanged: 12,
      });
      assert.deepEqual(
        await world.node.keys(),
        names.map((name) => `/serving.knative.dev/services/default/${name}`),
      );
      assert.deepEqual(await world.run(), { ...IDLE, unchanged: 12 });
    },
  );

  await step(
    "drift is healed from the files, or left, as the value that was found says",
    async (world) => {
      const { files, node } = world;
      const texts: Record<string, string> = {};
      for (const name of ["gone", "older", "same", "newer", "proto", "bare", "still"]) {
        texts[name] = files.put(`${POD}/${name}`);
      }
      await world.run();
      const other = (name: string, resourceVersion: string) =>
        objectJson({ name, resourceVersion });
      const put = (name: string, value: string) =>
        node.put(world.key(`/pods/default/${name}`), value);
      await node.delete(world.key("/pods/default/gone"));
      await put("older", other("older", "3"));
      await put("same", other("same", "7"));
      await put("newer", other("newer", "9"));
      await put("proto", "k8s\0x");
      await put("bare", other("bare", ""));
      assert.deepEqual(await world.run(), {
        ...IDLE,
        status: "partial",
        created: 1,
        updated: 1,
        unchanged: 3,
        conflicts: [
          { key: world.key("/pods/default/bare"), reason: APISERVER },
          { key: world.key("/pods/default/proto"), reason: APISERVER },
        ],
      });
      const values = await world.values();
      assert.equal(values["/pods/default/gone"], texts.gone);
      assert.equal(values["/pods/default/older"], texts.older);
      assert.equal(values["/pods/default/newer"], other("newer", "9"));
      assert.equal(values["/pods/default/proto"], "k8s\0x");

      // A memo keeps what was judged: it is said again, and not even read again.
      const revision = await node.revision();
      const txns = node.etcd.txns.length;
      assert.equal((await world.run()).conflicts.length, 2);
      assert.deepEqual([await node.revision(), node.etcd.txns.length], [revision, txns]);

      // What another put there is not ours to delete; when it goes missing, ours is put.
      for (const name of ["newer", "proto"]) files.remove(`${POD}/${name}`);
      await node.delete(world.key("/pods/default/same"));
      const after = await world.run();
      assert.deepEqual([after.created, after.deleted, after.released], [1, 0, 2]);
      assert.equal((await world.values())["/pods/default/newer"], other("newer", "9"));
      assert.equal((await world.values())["/pods/default/proto"], "k8s\0x");
      assert.equal((await world.values())["/pods/default/same"], texts.same);
    },
  );

  await step("--conflict-policy skip replaces nothing that is not ours", async (world) => {
    const { files, node } = world;
    const mine = files.put(`${POD}/mine`);
    files.put(`${POD}/a`);
    files.put(`${POD}/b`);
    const theirs = objectJson({ name: "a", resourceVersion: "3" });
    const newer = objectJson({ name: "b", resourceVersion: "9" });
    await node.put(world.key("/pods/default/a"), theirs);
    await node.put(world.key("/pods/default/b"), newer);
    const conflicts = [{ key: world.key("/pods/default/a"), reason: SKIPPED }];
    assert.deepEqual(await world.run({ policy: "skip" }), {
      ...IDLE,
      status: "partial",
      created: 1,
      unchanged: 1,
      conflicts,
    });
    await world.holds({
      "/pods/default/a": theirs,
      "/pods/default/b": newer,
      "/pods/default/mine": mine,
    });
    const revision = await node.revision();
    assert.deepEqual((await world.run({ policy: "skip" })).conflicts, conflicts);
    assert.equal(await node.revision(), revision);
    assert.deepEqual(await world.run(), { ...IDLE, updated: 1, unchanged: 2 });
  });

  await step(
    "a bad file costs its own update at most: it is named and its key kept",
    async (world) => {
      const { files } = world;
      const bad = [
        "empty",
        "torn",
        "binary",
        "othername",
        "otherkind",
        "norv",
        "huge",
        "dir",
        "link",
      ];
      const texts = Object.fromEntries(bad.map((name) => [name, files.put(`${POD}/${name}`)]));
      await world.run();
      files.write(`${POD}/empty`, "");
      files.write(`${POD}/torn`, texts.torn?.slice(0, 40) ?? "");
      Deno.writeFileSync(files.path(`${POD}/binary`), Uint8Array.of(0xff, 0xfe));
      files.write(`${POD}/othername`, objectJson({ name: "x", resourceVersion: "8" }));
      files.write(`${POD}/otherkind`, objectJson({ gvr: "pods.v2.core", name: "otherkind" }));
      files.write(`${POD}/norv`, objectJson({ name: "norv", resourceVersion: "" }));
      files.put(`${POD}/huge`, { resourceVersion: "8", padding: 5_000 });
      files.remove(`${POD}/dir`);
      files.mkdir(`${POD}/dir`);
      files.remove(`${POD}/link`);
      Deno.symlinkSync("empty", files.path(`${POD}/link`));
      files.put(`${POD}/new%`, { name: "new%" });
      files.put("kubelet/not.agvr/default/a", { gvr: "pods.v1.core" });
      const good = files.put(`${POD}/good`);
      const done = await world.run({ maxObjectBytes: 4_096 });
      assert.deepEqual([done.status, done.created, done.deleted, done.updated], [
        "partial",
        1,
        0,
        0,
      ]);
      assert.deepEqual(done.invalid.map(({ path }) => path), [
        ...["kubelet/not.agvr"],
        ...[...bad, "new%"].toSorted().map((name) => `${POD}/${name}`),
      ]);
      await world.holds(Object.fromEntries([
        ...bad.map((name) => [`/pods/default/${name}`, texts[name]]),
        ["/pods/default/good", good],
      ].toSorted(([a = ""], [b = ""]) => a < b ? -1 : 1)));
      // Once they are well again, all is in step.
      for (const name of ["dir", "link", "new%"]) files.remove(`${POD}/${name}`);
      files.remove("kubelet/not.agvr");
      for (const name of bad) files.put(`${POD}/${name}`, { resourceVersion: "9" });
      assert.deepEqual(await world.run(), { ...IDLE, updated: 9, unchanged: 1 });
    },
  );

  await step(
    "a tmp_ backup counts for what it backs up, and nothing of its group is let go",
    async (world) => {
      const { files } = world;
      const a = files.put(`${POD}/a`);
      const b = files.put(`${POD}/b`);
      const node = files.put("kubelet/nodes.v1.core/n");
      files.put("kubelet/configmaps.v1.core/d/c");
      await world.run();
      const revision = await world.node.revision();
      // yurthub took a backup and has written one file, half, of the new list; c is gone for good.
      files.rename("kubelet/pods.v1.core", "kubelet/tmp_pods.v1.core");
      files.write(`${POD}/a`, a.slice(0, 20));
      files.rename("kubelet/nodes.v1.core/n", "kubelet/nodes.v1.core/tmp_n");
      files.remove("kubelet/configmaps.v1.core/d/c");
      const { report, busy } = await world.outcome();
      assert.deepEqual([report.status, report.deleted, report.updated], ["partial", 1, 0]);
      assert.deepEqual(busy, ["kubelet/pods.v1.core"]);
      assert.deepEqual(await world.values(), {
        "/minions/n": node,
        "/pods/default/a": a,
        "/pods/default/b": b,
      });
      // The backup is removed file by file: what is missing in it is not gone.
      files.remove("kubelet/tmp_pods.v1.core/default/b");
      await world.run();
      assert.equal((await world.values())["/pods/default/b"], b);
      assert.equal(await world.node.revision(), String(Number(revision) + 1));
      // The rewrite is done: b is not in the new list.
      const newA = files.put(`${POD}/a`, { resourceVersion: "8" });
      files.remove("kubelet/tmp_pods.v1.core");
      files.rename("kubelet/nodes.v1.core/tmp_n", "kubelet/nodes.v1.core/n");
      assert.deepEqual(await world.run(), { ...IDLE, updated: 1, deleted: 1, unchanged: 1 });
      assert.equal((await world.values())["/pods/default/a"], newA);
    },
  );

  await step(
    "an absence in a directory that has not settled waits; puts go ahead",
    async (world) => {
      const { files } = world;
      files.put(`${POD}/a`);
      files.put(`${POD}/b`);
      await world.run();
      world.aheadMs = 0;
      files.remove(`${POD}/a`);
      files.put(`${POD}/c`);
      // Its list is written anew all the time, in another directory.
      world.onSleep = () => {
        files.rename(POD, "kubelet/pods.v1.core/away");
        for (const name of ["b", "c"]) files.put(`${POD}/${name}`);
        files.remove("kubelet/pods.v1.core/away");
        world.touch(POD);
      };
      const { report, busy } = await world.outcome();
      assert.deepEqual([report.status, report.created, report.deleted], ["partial", 1, 0]);
      assert.deepEqual(busy, ["kubelet/pods.v1.core"]);
      assert.deepEqual(world.slept, [2_050, 2_050]);
      assert.equal((await world.node.keys()).length, 3);
      world.onSleep = () => {};
      const later = await world.outcome();
      assert.deepEqual([later.report.deleted, later.busy], [1, []]);
    },
  );

  await step(
    "an absence in a directory that never rests is gone at the second look",
    async (world) => {
      const { files } = world;
      for (const name of ["a", "b", "c"]) files.put(`${POD}/${name}`);
      await world.run();
      world.aheadMs = 0;
      files.remove(`${POD}/a`);
      // What yurthub's update of another object does to the directory.
      const update = () => {
        files.rename(`${POD}/b`, `${POD}/tmp_b`);
        files.put(`${POD}/b`);
        files.remove(`${POD}/tmp_b`);
        world.touch(POD);
      };
      update();
      world.onSleep = update;
      const { report, busy } = await world.outcome();
      assert.deepEqual([report.deleted, busy, world.slept], [1, [], [2_050]]);
      assert.deepEqual((await world.node.keys()).length, 2);
    },
  );

  await step(
    "the bulk-delete guard holds back a component's deletes beyond half of its keys and ten",
    async (world) => {
      const { files } = world;
      const names = Array.from({ length: 30 }, (_, at) => `p${at}`);
      for (const name of names) files.put(`${POD}/${name}`);
      files.put("coredns/endpoints.v1.core/d/e");
      files.put("coredns/endpoints.v1.core/d/f");
      await world.run();
      for (const name of names.slice(0, 16)) files.remove(`${POD}/${name}`);
      files.remove("coredns/endpoints.v1.core/d/e");
      files.put(`${POD}/new`);
      const heldBack = [{ component: "kubelet", deletes: 16 }];
      assert.deepEqual(await world.run(), {
        ...IDLE,
        status: "partial",
        created: 1,
        deleted: 1,
        unchanged: 31,
        heldBack,
      });
      assert.deepEqual((await world.run()).heldBack, heldBack);
      // Any of these goes on: a higher limit, or a word.
      assert.deepEqual((await world.run({ maxDeletePercent: 51 })).heldBack, heldBack);
      const done = await world.run({ maxDeletePercent: 52 });
      assert.deepEqual([done.status, done.deleted], ["in-step", 16]);
    },
  );

  await step(
    "deletes in instalments count together, and --confirm-deletes starts over",
    async (world) => {
      const removeSome = await withThirtyPods(world);
      removeSome(8);
      assert.equal((await world.run()).deleted, 8);
      await world.node.restart();
      removeSome(8);
      assert.deepEqual((await world.run()).heldBack, [{ component: "kubelet", deletes: 8 }]);
      assert.equal((await world.run({ confirmDeletes: true })).deleted, 8);
      removeSome(5);
      assert.equal((await world.run()).deleted, 5);
      removeSome(5);
      assert.deepEqual((await world.run()).deleted, 5);
      removeSome(4);
      assert.deepEqual((await world.run()).heldBack, [{ component: "kubelet", deletes: 4 }]);
      // Ten minutes later the earlier ones no longer count.
      world.aheadMs += 11 * 60_000;
      assert.equal((await world.run()).deleted, 4);
      assert.deepEqual(await world.node.keys(), []);
    },
  );

  for (const [what, hook] of [["answer", loseAnswer], ["process", dieAfter]] as const) {
    await step(`instalments count too when the ${what} of one was lost`, async (world) => {
      const removeSome = await withThirtyPods(world);
      removeSome(8);
      world.node.etcd.next(hook);
      if (hook === loseAnswer) assert.equal((await world.run()).deleted, 8);
      else await assert.rejects(world.run(), /died after the Txn/);
      await world.node.restart();
      removeSome(8);
      assert.deepEqual((await world.run()).heldBack, [{ component: "kubelet", deletes: 8 }]);
      assert.equal((await world.node.keys()).length, 22);
    });
  }

  const first: TxnHook = (send) => send();
  for (const [what, hooks] of [["before", [first, dieBefore]], ["after", [dieAfter]]] as const) {
    await step(
      `deletes that an agent left undone when it died ${what} a Txn count once`,
      async (world) => {
        const removeSome = await withThirtyPods(world);
        removeSome(15);
        world.node.etcd.next(...hooks);
        await assert.rejects(world.run(), new RegExp(`died ${what} the Txn`));
        assert.ok((await world.node.keys()).length > 15);
        await world.node.restart();
        const { report, failure } = await world.outcome();
        assert.deepEqual([report.heldBack, failure], [[], undefined]);
        assert.equal((await world.node.keys()).length, 15);
        // All fifteen of them.
        removeSome(1);
        assert.deepEqual((await world.run()).heldBack, [{ component: "kubelet", deletes: 1 }]);
      },
      { maxTxnOps: 8 },
    );
  }

  await step(
    "a component's directory that is gone, an empty root and a missing one delete nothing",
    async (world) => {
      const { files } = world;
      files.put(`${POD}/a`);
      files.put("kube-proxy/services.v1.core/d/s");
      files.put("kubelet/services.v1.core/d/s");
      files.put("coredns/services.v1.core/d/s");
      await world.run();
      const revision = await world.node.revision();
      files.remove("coredns");
      files.remove("kubelet");
      const held = { ...IDLE, status: "partial" as const, unchanged: 2 };
      // Even a component that shares all of its keys: its directory may be back with them.
      assert.deepEqual(await world.run(), {
        ...held,
        heldBack: [{ component: "coredns", deletes: 0 }, { component: "kubelet", deletes: 1 }],
      });
      files.remove("kube-proxy");
      // The key that all three hold counts once.
      assert.deepEqual(await world.run(), {
        ...held,
        heldBack: [
          { component: "coredns", deletes: 1 },
          { component: "kube-proxy", deletes: 0 },
          { component: "kubelet", deletes: 1 },
        ],
      });
      Deno.removeSync(files.root);
      const { failure, report } = await world.outcome();
      assert.deepEqual([failure?.code, report.status], ["CacheRoot", "failed"]);
      assert.equal(await world.node.revision(), revision);
      assert.equal(world.node.cache.rows.size, 2);
      Deno.mkdirSync(files.root);
      // The operator says that it is meant so.
      assert.equal((await world.run({ confirmDeletes: true })).deleted, 2);
    },
  );

  await step(
    "--components and --exclude-resources keep the keys of what is not looked at",
    async (world) => {
      const { files } = world;
      files.put(`${POD}/a`);
      files.put("kubelet/leases.v1.coordination.k8s.io/d/l");
      files.put("kube-proxy/services.v1.core/d/s");
      await world.run();
      for (
        const path of [
          `${POD}/a`,
          "kubelet/leases.v1.coordination.k8s.io/d/l",
          "kube-proxy/services.v1.core/d/s",
        ]
      ) {
        files.remove(path);
      }
      files.put("kube-proxy/services.v1.core/d/new");
      const { report, notes } = await world.outcome({
        components: ["kubelet"],
        excludeResources: ["leases"],
      });
      assert.deepEqual([report.status, report.deleted, report.created], ["in-step", 1, 0]);
      assert.ok(notes.includes("2 keys of components or resources not looked at were kept"));
      assert.deepEqual(await world.node.keys(), ["/leases/d/l", "/services/specs/d/s"]);
    },
  );

  await step("an exclusion holds by key, however else a path to it is spelled", async (world) => {
    const { files } = world;
    const older = { gvr: "leases.v1.coordination.k8s.io" };
    files.put("old/leases/d/a", older);
    files.put("kubelet/events.v1.events.k8s.io/d/a");
    files.put("old/pods/d/a", { gvr: "pods.v1.core" });
    await world.run();
    const excludeResources = [
      "leases.coordination.k8s.io",
      "events.v1.core",
      "horizontalpodautoscalers.v1.autoscaling",
    ];
    for (const path of ["old/leases/d/a", "kubelet/events.v1.events.k8s.io/d/a", "old/pods/d/a"]) {
      files.remove(path);
    }
    files.put("old/leases/d/b", older);
    files.put("old/events/d/b", { gvr: "events.v1.events.k8s.io" });
    files.put("kubelet/horizontalpodautoscalers.v2.autoscaling/d/b");
    files.put("old/pods/d/b", { gvr: "pods.v1.core" });
    const { report, notes } = await world.outcome({ excludeResources });
    assert.deepEqual([report.status, report.created, report.deleted], ["in-step", 1, 1]);
    assert.ok(notes.includes("2 keys of components or resources not looked at were kept"));
    assert.deepEqual(await world.node.keys(), ["/events/d/a", "/leases/d/a", "/pods/d/b"]);
    // A file that is another resource's now lets go of what it stood for.
    files.put("old/pods/d/b", { gvr: "pods.v1beta1.metrics.k8s.io" });
    const pods = await world.outcome({
      excludeResources: [...excludeResources, "pods.metrics.k8s.io"],
    });
    assert.deepEqual([pods.report.created, pods.report.deleted], [0, 1]);
    const all = await world.run();
    assert.deepEqual([all.created, all.deleted], [4, 2]);
  });

  await step(
    "what is not looked at is put again as it is now, if etcd came back empty",
    async (world) => {
      const { files, node } = world;
      const leases = "kubelet/leases.v1.coordination.k8s.io/d";
      const pod = files.put(`${POD}/a`);
      const service = files.put("kube-proxy/services.v1.core/d/s");
      files.put(`${leases}/renewed`);
      files.put(`${leases}/gone`);
      await world.run();
      const renewed = files.put(`${leases}/renewed`, { resourceVersion: "2" });
      files.remove(`${leases}/gone`);
      files.put(`${leases}/new`);
      const narrow = {
        components: ["kubelet"],
        excludeResources: ["leases"],
      };
      const kept = await world.run(narrow);
      assert.deepEqual([kept.created, kept.updated, kept.deleted], [0, 0, 0]);

      await node.wipeEtcd();
      const { report, busy } = await world.outcome(narrow);
      assert.deepEqual([report.status, busy], ["in-step", []]);
      await world.holds({
        "/pods/default/a": pod,
        "/services/specs/d/s": service,
        "/leases/d/renewed": renewed,
      });
      assert.deepEqual((await verify(node.context)).drift, []);
    },
  );

  await step("an etcd that came back empty is filled again", async (world) => {
    const values = {
      "/pods/default/a": world.files.put(`${POD}/a`),
      "/pods/default/b": world.files.put(`${POD}/b`),
    };
    await world.run();
    await world.node.wipeEtcd();
    const { report, notes } = await world.outcome();
    assert.deepEqual([report.status, report.created], ["in-step", 2]);
    assert.ok(notes.some((note) => note.includes("came back empty or older")));
    await world.holds(values);
  });

  await step(
    "an etcd that is emptied while a failed guard is looked at again: all is put again",
    async (world) => {
      const { files, node } = world;
      const values = {
        "/pods/default/a": files.put(`${POD}/a`),
        "/pods/default/b": files.put(`${POD}/b`),
        "/pods/default/c": files.put(`${POD}/c`),
      };
      node.etcd.next(async (send) => {
        await node.put(
          world.key("/pods/default/a"),
          objectJson({ name: "a", resourceVersion: "3" }),
        );
        return await send();
      }, async (send) => {
        assert.deepEqual(await node.keys(), Object.keys(values));
        await node.wipeEtcd();
        return await send();
      });
      assert.equal((await world.run()).status, "in-step");
      await world.holds(values);
    },
  );

  await step(
    "an etcd that came back as it was but for its fence: nothing is put again",
    async (world) => {
      world.files.put(`${POD}/a`);
      await world.run();
      const before = await world.node.stored();
      await world.node.delete(world.node.fenceKey);
      assert.deepEqual(await world.run(), { ...IDLE, unchanged: 1 });
      assert.deepEqual(await world.node.stored(), before);
      assert.equal((await world.outcome()).notes.length, 0);
    },
  );

  for (const [what, hook] of Object.entries({ dieBefore, dieAfter })) {
    await step(
      `${what}: the next run resolves what was pending first, and says so`,
      async (world) => {
        world.files.put(`${POD}/a`);
        await world.run();
        const a = world.files.put(`${POD}/a`, { resourceVersion: "8" });
        const b = world.files.put(`${POD}/b`);
        world.node.etcd.next(hook);
        await assert.rejects(world.run(), /died/);
        await world.node.restart();
        const { report, failure } = await world.outcome();
        assert.equal(failure, undefined);
        assert.equal(report.recovered, 1);
        assert.deepEqual(
          [report.status, report.created, report.updated, report.unchanged],
          what === "dieAfter" ? ["in-step", 0, 0, 2] : ["in-step", 1, 1, 0],
        );
        await world.holds({ "/pods/default/a": a, "/pods/default/b": b });
      },
    );
  }

  await step("an import that fits no Txn is staged, and in step all the same", async (world) => {
    const values: Record<string, string> = {};
    for (let at = 100; at < 200; at++) {
      values[`/pods/default/p${at}`] = world.files.put(`${POD}/p${at}`, { padding: 200 });
    }
    const { report } = await world.outcome();
    assert.deepEqual([report.status, report.created, report.staged], ["in-step", 100, true]);
    assert.ok(report.txns > 5, String(report.txns));
    await world.holds(values);
    const again = await world.outcome();
    assert.deepEqual([again.report.txns, again.report.staged], [0, false]);
  }, { requestBytes: 8_000 });

  await step(
    "--require-single-txn refuses before anything is written, whatever the other groups need",
    async (world) => {
      world.files.put("coredns/endpoints.v1.core/d/e");
      for (let at = 0; at < 100; at++) world.files.put(`${POD}/p${at}`);
      const revision = await world.node.revision();
      const { report, failure } = await world.outcome({ requireSingleTxn: true });
      assert.deepEqual([failure?.code, report.status, report.txns], ["TooLarge", "failed", 0]);
      assert.match(failure?.message ?? "", /kubelet\/pods\.v1\.core/);
      assert.equal(await world.node.revision(), revision);
      assert.deepEqual(await world.node.keys(), []);
    },
    { requestBytes: 8_000 },
  );

  await step("an object that fits no request is invalid, its key is kept", async (world) => {
    const a = world.files.put(`${POD}/a`);
    await world.run();
    world.files.put(`${POD}/a`, { resourceVersion: "8", padding: 9_000 });
    world.files.put(`${POD}/b`, { padding: 9_000 });
    const done = await world.run();
    assert.deepEqual([done.status, done.created, done.updated], ["partial", 0, 0]);
    assert.deepEqual(done.invalid.map(({ path, kind }) => [path, kind]), [
      [`${POD}/a`, "too-large"],
      [`${POD}/b`, "too-large"],
    ]);
    assert.deepEqual(await world.values(), { "/pods/default/a": a });
    const again = world.files.put(`${POD}/a`, { resourceVersion: "9" });
    world.files.remove(`${POD}/b`);
    assert.deepEqual(await world.run(), { ...IDLE, updated: 1 });
    assert.deepEqual(await world.values(), { "/pods/default/a": again });
  }, { requestBytes: 8_000 });

  await step("a delete of a key that another changed meanwhile is let go", async (world) => {
    const { files, node } = world;
    files.put(`${POD}/a`);
    files.put(`${POD}/b`);
    await world.run();
    files.remove(`${POD}/a`);
    await node.put(world.key("/pods/default/a"), "k8s\0theirs");
    const done = await world.run();
    assert.deepEqual([done.status, done.deleted, done.conflicts.length], ["partial", 0, 1]);
    assert.equal((await world.values())["/pods/default/a"], "k8s\0theirs");
    assert.deepEqual(await world.run(), { ...IDLE, unchanged: 1 });

    files.remove(`${POD}/b`);
    node.etcd.next(async (send) => {
      await node.put(world.key("/pods/default/b"), "k8s\0theirs");
      return await send();
    });
    const late = await world.run();
    assert.deepEqual([late.deleted, late.conflicts.map(({ key }) => key)], [
      0,
      [world.key("/pods/default/b")],
    ]);
    assert.equal((await world.values())["/pods/default/b"], "k8s\0theirs");
    assert.equal(node.cache.rows.size, 0);
  });

  await step(
    "a file that changes between scan and put is looked at again, and put as it is",
    async (world) => {
      const { files, node } = world;
      files.put(`${POD}/a`);
      await world.run();
      // The key is missing, so that an unchanged file has to be read for it, which then is another.
      await node.delete(world.key("/pods/default/a"));
      let rewritten = "";
      const rangeAll = node.etcd.rangeAll.bind(node.etcd);
      node.etcd.rangeAll = (requests) => {
        if (rewritten === "") rewritten = files.put(`${POD}/a`, { resourceVersion: "9" });
        return rangeAll(requests);
      };
      assert.equal((await world.run()).created, 1);
      await world.holds({ "/pods/default/a": rewritten });
    },
  );

  await step(
    "a lost state directory is refused, and rebuilt by --adopt without a delete",
    async (world) => {
      const { files, node } = world;
      const a = files.put(`${POD}/a`);
      files.put(`${POD}/old`);
      await world.run();
      await node.loseState();
      files.remove(`${POD}/old`);
      const b = files.put(`${POD}/b`);
      const refused = await world.outcome();
      assert.deepEqual([refused.failure?.code, refused.report.status], ["Fence", "failed"]);
      const before = await node.stored();
      const { report, failure } = await world.outcome({ adopt: true });
      assert.equal(failure, undefined);
      assert.deepEqual([report.created, report.updated, report.deleted], [1, 0, 0]);
      const stored = await node.stored();
      assert.deepEqual(stored.get("/pods/default/a"), before.get("/pods/default/a"));
      assert.deepEqual(
        [...stored.keys()],
        ["a", "b", "old"].map((name) => `/pods/default/${name}`),
      );
      assert.equal(node.cache.fence.adopting, false);
      assert.deepEqual(await world.run(), { ...IDLE, unchanged: 2 });
      // What was adopted is ours again.
      files.put(`${POD}/x`);
      files.remove(`${POD}/a`);
      assert.deepEqual(await world.run(), { ...IDLE, created: 1, deleted: 1, unchanged: 1 });
      assert.equal((await world.values())["/pods/default/b"], b);
      assert.equal((await world.values())["/pods/default/a"] === a, false);
    },
  );
});
