import assert from "node:assert/strict";
import { contentHash } from "../../lib/k8s/mod.ts";
import { type PassScope, reconcile, verify } from "../../lib/reconcile/mod.ts";
import { everything } from "../../lib/reconcile/look.ts";
import { standingOthers } from "../../lib/store/mod.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { objectJson } from "../support/objects.ts";
import { doneOf, IDLE, type RunOptions, World } from "./_world.ts";

const POD = "kubelet/pods.v1.core/default";
const PROXY = "kube-proxy/pods.v1.core/default";
const A = "/pods/default/a";
const sensor = (version: string) => `agent/sensors.${version}.devices.example.com/shop/s`;
const SENSOR = "/devices.example.com/sensors/shop/s";
const rv = (resourceVersion: string, more: { uid?: string } = {}) => ({ resourceVersion, ...more });

/** What a daemon does after a change: a look at some groups, no more. */
async function groupPass(world: World, groups: string[], options: RunOptions = {}) {
  const scope: PassScope = {
    ...everything(),
    groups: new Set(groups),
    full: false,
    patient: false,
  };
  const { report, failure } = await reconcile(world.node.context, world.options(options), scope);
  if (failure) throw failure;
  return doneOf(report);
}

/** An object with other content than {@linkcode FsCacheDir.put} gives one. */
const filtered = (object: Parameters<typeof objectJson>[0], content: string) =>
  objectJson(object).replace(/}$/, `,"filtered":${JSON.stringify(content)}}`);

Deno.test("etcd holds the freshest version that a present owner holds, in that one's bytes", async (t) => {
  await using server = await startEtcd();
  const step = async (name: string, body: (world: World) => Promise<void>) => {
    await t.step(name, async () => {
      await using world = await World.start(server);
      await body(world);
      // The same again needs nothing, and a dry run says so.
      const revision = await world.node.revision();
      const { plan } = await world.dry();
      assert.deepEqual(plan, []);
      const again = await world.run();
      assert.deepEqual([again.created, again.updated, again.deleted], [0, 0, 0]);
      assert.equal(await world.node.revision(), revision);
    });
  };

  await step(
    "a restored cloud: what the only owner went back to is put, at once",
    async (world) => {
      world.files.put(`${POD}/a`, rv("1000"));
      await world.run();
      const back = world.files.put(`${POD}/a`, rv("900"));
      const { plan } = await world.dry();
      assert.deepEqual(plan, [{
        key: world.key(A),
        action: "put",
        owner: "kubelet/pods.v1.core",
        reason: "its only owner went back to this resourceVersion",
      }]);
      assert.equal((await groupPass(world, ["kubelet/pods.v1.core"])).updated, 1);
      await world.holds({ [A]: back });
      const on = world.files.put(`${POD}/a`, rv("950"));
      assert.equal((await groupPass(world, ["kubelet/pods.v1.core"])).updated, 1);
      await world.holds({ [A]: on });
    },
  );

  await step(
    "a restored cloud, in the older layout, of a custom resource, and made anew with another uid",
    async (world) => {
      const paths = ["kubelet/pods/default/a", sensor("v1"), "kubelet/nodes.v1.core/n"];
      const object = (at: number, version: string, uid: string) => ({
        ...(at === 0 && { gvr: "pods.v1.core" }),
        resourceVersion: version,
        uid,
      });
      paths.forEach((path, at) => world.files.put(path, object(at, "1000", "u")));
      await world.run();
      const texts = paths.map((path, at) =>
        world.files.put(path, object(at, "900", at === 2 ? "v" : "u"))
      );
      assert.equal((await world.run()).updated, 3);
      await world.holds({
        [A]: texts[0] ?? "",
        [SENSOR]: texts[1] ?? "",
        "/minions/n": texts[2] ?? "",
      });
    },
  );

  await step(
    "a restored cloud, with two owners: put on the full look after the last of them went back",
    async (world) => {
      const { files } = world;
      const held = files.put(`${POD}/a`, rv("1000"));
      files.put(`${PROXY}/a`, rv("1000"));
      await world.run();
      files.put(`${POD}/a`, rv("900"));
      assert.equal((await world.run()).updated, 0);
      await world.holds({ [A]: held });
      const back = files.put(`${PROXY}/a`, rv("950"));
      assert.equal((await groupPass(world, ["kube-proxy/pods.v1.core"])).updated, 0);
      assert.equal((await world.run()).updated, 1);
      await world.holds({ [A]: back });
    },
  );

  await step(
    "a component that lags behind does not put its older copy between two deletes",
    async (world) => {
      const { files } = world;
      files.put(`${PROXY}/a`, rv("5"));
      const fresh = files.put(`${POD}/a`, rv("10"));
      files.put(`${POD}/b`);
      files.put(`${PROXY}/b`);
      await world.run();
      files.remove(`${POD}/a`);
      assert.equal((await groupPass(world, ["kubelet/pods.v1.core"])).released, 1);
      assert.equal((await world.values())[A], fresh);
      const both = ["kubelet/pods.v1.core", "kube-proxy/pods.v1.core"];
      assert.equal((await groupPass(world, both)).updated, 0, "all its owners were seen");
      const touched = files.put(`${PROXY}/a`, rv("6"));
      assert.equal((await groupPass(world, both)).updated, 0, touched);
      files.remove(`${PROXY}/a`);
      assert.equal((await groupPass(world, ["kube-proxy/pods.v1.core"])).deleted, 1);
    },
  );

  await step(
    "nor its copy of an earlier object of the name, though nobody holds the later one",
    async (world) => {
      const { files } = world;
      files.put(`${PROXY}/a`, rv("5", { uid: "first" }));
      files.put(`${POD}/a`, rv("10", { uid: "second" }));
      await world.run();
      files.remove(`${POD}/a`);
      const done = await groupPass(world, ["kubelet/pods.v1.core"]);
      assert.deepEqual([done.updated, done.released], [0, 1]);
      assert.equal((await world.run()).updated, 1);
    },
  );

  await step(
    "nor on a full look while its own group is being rewritten, and so may be about to lose it",
    async (world) => {
      const { files } = world;
      const back = files.put(`${PROXY}/a`, rv("5"));
      const fresh = files.put(`${POD}/a`, rv("10"));
      files.put(`${POD}/b`);
      await world.run();
      files.remove(`${POD}/a`);
      const group = `${files.root}/kube-proxy/pods.v1.core`;
      const backup = `${files.root}/kube-proxy/tmp_pods.v1.core`;
      Deno.renameSync(group, backup);
      const { released, updated } = await world.run();
      assert.deepEqual({ released, updated }, { released: 1, updated: 0 });
      assert.equal((await world.values())[A], fresh);
      Deno.renameSync(backup, group);
      assert.equal((await world.run()).updated, 1);
      assert.equal((await world.values())[A], back);
    },
  );

  await step("a file that can't be read is no reason to put an older one", async (world) => {
    const { files } = world;
    const older = files.put(`${PROXY}/a`, rv("5"));
    const fresh = files.put(`${POD}/a`, rv("10"));
    await world.run();
    files.write(`${POD}/a`, "{");
    assert.equal((await world.run()).updated, 0);
    assert.equal((await world.values())[A], fresh);
    files.remove(`${POD}/a`);
    assert.equal((await world.run()).updated, 1);
    await world.holds({ [A]: older });
  });

  await step("other content under the same uid and resourceVersion is put", async (world) => {
    world.files.put(`${POD}/a`);
    await world.run();
    const text = filtered({ name: "a" }, "once");
    world.files.write(`${POD}/a`, text);
    assert.deepEqual(await world.run(), { ...IDLE, updated: 1 });
    await world.holds({ [A]: text });
    const other = filtered({ name: "a" }, "more");
    assert.equal(other.length, text.length);
    world.files.write(`${POD}/a`, other);
    assert.equal((await groupPass(world, ["kubelet/pods.v1.core"])).updated, 1);
    await world.holds({ [A]: other });
  });

  await step(
    "of two components with other content at one resourceVersion, the one in etcd stays",
    async (world) => {
      const { files } = world;
      const first = filtered({ name: "a" }, "kubelet's");
      files.write(`${POD}/a`, first);
      await world.run();
      const second = filtered({ name: "a" }, "kube-proxy's");
      files.write(`${PROXY}/a`, second);
      assert.equal((await world.run()).updated, 0);
      await world.holds({ [A]: first });
      // The holder's own change is put, though the other one's name comes first.
      const changed = filtered({ name: "a" }, "kubelet's, changed");
      files.write(`${POD}/a`, changed);
      assert.equal((await world.run()).updated, 1);
      await world.holds({ [A]: changed });
      // Once it lets go, the other's.
      files.remove(`${POD}/a`);
      files.put(`${POD}/b`);
      assert.equal((await world.run()).updated, 1);
      assert.equal((await world.values())[A], second);
    },
  );

  await step(
    "at one resourceVersion the better API version is put, and a remaining one when that goes",
    async (world) => {
      const { files } = world;
      const alpha = files.put(sensor("v1alpha1"));
      await world.run();
      await world.holds({ [SENSOR]: alpha });
      const ga = files.put(sensor("v1"));
      assert.equal((await groupPass(world, ["agent/sensors.v1.devices.example.com"])).updated, 1);
      await world.holds({ [SENSOR]: ga });
      files.remove(sensor("v1"));
      assert.equal((await world.run({ confirmDeletes: true })).updated, 1);
      await world.holds({ [SENSOR]: alpha });
      files.put(sensor("v1"));
      await world.run();
      files.remove(sensor("v1alpha1"));
      assert.equal((await world.run({ confirmDeletes: true })).updated, 0);
      await world.holds({ [SENSOR]: ga });
    },
  );

  await step(
    "one component with one object in both layouts: the current one counts",
    async (world) => {
      const { files } = world;
      files.write("kubelet/pods/default/a", filtered({ name: "a" }, "older layout"));
      const current = filtered({ name: "a" }, "current layout");
      files.write(`${POD}/a`, current);
      await world.run();
      await world.holds({ [A]: current });
      const fresher = files.put("kubelet/pods/default/a", { ...rv("8"), gvr: "pods.v1.core" });
      await world.run();
      await world.holds({ [A]: fresher });
      // Each went back, to versions of their own.
      files.put("kubelet/pods/default/a", { ...rv("5"), gvr: "pods.v1.core" });
      const back = files.put(`${POD}/a`, rv("6"));
      await world.run();
      await world.holds({ [A]: back });
    },
  );

  await step("a resourceVersion above 2^63-1 is invalid, and takes no key", async (world) => {
    const { files } = world;
    const text = files.put(`${POD}/a`);
    files.put("evil/pods.v1.core/default/a", rv("18446744073709551615"));
    files.put("evil/pods.v1.core/default/b", rv("9223372036854775808"));
    const done = await world.run();
    assert.deepEqual([done.created, done.invalid.length, done.status], [1, 2, "partial"]);
    await world.holds({ [A]: text });
  });

  await step(
    "one just below it is put, and what the others hold once its component is gone",
    async (world) => {
      const { files } = world;
      const text = files.put(`${POD}/a`);
      const evil = files.put("evil/pods.v1.core/default/a", rv("9223372036854775807"));
      await world.run();
      await world.holds({ [A]: evil });
      files.remove("evil");
      assert.equal((await world.run()).heldBack.length, 1);
      assert.equal((await world.values())[A], evil);
      assert.equal((await world.run({ confirmDeletes: true })).updated, 1);
      await world.holds({ [A]: text });
    },
  );

  await step(
    "an etcd that was restored to other bytes of ours is brought to the owner's",
    async (world) => {
      const { files, node } = world;
      const first = files.put(`${POD}/a`);
      files.put(`${POD}/b`);
      await world.run();
      const second = filtered({ name: "a" }, "later");
      files.write(`${POD}/a`, second);
      await world.run();
      const { fence } = node.cache;
      await node.put(world.key(A), first);
      await node.put(node.cache.identity.fenceKey, `${fence.expected?.split("/")[0]}/1/old`);
      await world.run();
      assert.equal((await world.values())[A], second);
    },
  );

  await step("adopting puts the files' content at equal versions", async (world) => {
    const { files, node } = world;
    await node.put(world.key(A), objectJson({ name: "a" }));
    const text = filtered({ name: "a" }, "the file's");
    files.write(`${POD}/a`, text);
    await world.node.put(node.cache.identity.fenceKey, "other-life/7/x");
    const done = await world.run({ adopt: true });
    assert.deepEqual([done.created, done.updated], [0, 1]);
    await world.holds({ [A]: text });
  });

  await step(
    "adopting leaves another node's newer version, until an owner here has a newer one",
    async (world) => {
      const { files, node } = world;
      const newer = objectJson({ name: "a", resourceVersion: "9" });
      await node.put(world.key(A), newer);
      files.put(`${POD}/a`, rv("8"));
      await node.put(node.cache.identity.fenceKey, "other-life/7/x");
      await world.run({ adopt: true });
      await world.run();
      assert.equal((await world.values())[A], newer);
      const newest = files.put(`${POD}/a`, rv("10"));
      await world.run();
      await world.holds({ [A]: newest });
    },
  );

  const overwritten: [what: string, value: string, reason: RegExp][] = [
    [
      "the same resourceVersion and another body",
      filtered({ name: "a" }, "foreign"),
      /^another importer's value: other content at resourceVersion 7$/,
    ],
    [
      "an absurdly high resourceVersion",
      objectJson({ name: "a", resourceVersion: "9000000000000000000" }),
      /^another importer's value: resourceVersion 9000000000000000000 is newer than kubelet's 7$/,
    ],
    [
      "one above 2^63-1",
      objectJson({ name: "a", resourceVersion: "18446744073709551615" }),
      /^another importer's value: its resourceVersion is none/,
    ],
    [
      "one that is no number, in an object that is none",
      '{"metadata":{"resourceVersion":"x"}}',
      /^another importer's value: its resourceVersion is none/,
    ],
    [
      "another uid",
      objectJson({ name: "a", uid: "other" }),
      /^another importer's value: other content at resourceVersion 7$/,
    ],
  ];
  for (const [what, value, reason] of overwritten) {
    await step(
      `a value that another wrote over ours, with ${what}, is told, and healed by policy owner`,
      async (world) => {
        const { files, node } = world;
        const text = files.put(`${POD}/a`);
        const b = files.put(`${POD}/b`);
        await world.run();
        await node.put(world.key(A), value);
        const changed = async () => (await verify(node.context)).drift;
        assert.match(
          (await changed())[0]?.reason ?? "",
          /^changed in etcd by another: another importer/,
        );
        assert.equal((await world.run()).updated, 0);
        const [drift, ...more] = await changed();
        assert.deepEqual([drift?.key, more], [world.key(A), []]);
        assert.match(drift?.reason ?? "", reason);
        assert.deepEqual([...standingOthers(node.cache.rows)], [[world.key(A), drift?.reason]]);
        const owner = { policy: "owner" } as const;
        assert.deepEqual((await world.dry(owner)).plan?.map(({ reason }) => reason), [
          "what an owner holds (--conflict-policy owner)",
        ]);
        assert.deepEqual(await world.run(owner), { ...IDLE, updated: 1, unchanged: 1 });
        await world.holds({ [A]: text, "/pods/default/b": b });
        assert.deepEqual([await changed(), standingOthers(node.cache.rows).size], [[], 0]);
      },
    );
  }

  await step("a value that another wrote, and that is an owner's, is no drift", async (world) => {
    const { files, node } = world;
    const text = files.put(`${POD}/a`);
    await world.run();
    await node.put(world.key(A), text);
    assert.deepEqual((await verify(node.context)).drift, []);
    await world.run();
    assert.deepEqual((await verify(node.context)).drift, []);
  });

  await step("an apiserver's own value is told, and stays under policy owner", async (world) => {
    const { files, node } = world;
    files.put(`${POD}/a`);
    await world.run();
    await node.put(world.key(A), "k8s\0theirs");
    const done = await world.run({ policy: "owner" });
    assert.deepEqual([done.updated, done.conflicts.length], [0, 1]);
    assert.deepEqual((await verify(node.context)).drift, [{
      key: world.key(A),
      reason: "an apiserver's value",
    }]);
    await node.delete(world.key(A));
    await world.run();
  });

  await step(
    "policy owner puts no older copy over another's in a look at some groups",
    async (world) => {
      const { files, node } = world;
      files.put(`${PROXY}/a`, rv("5"));
      files.put(`${POD}/a`, rv("10"));
      await world.run();
      const newer = objectJson({ name: "a", resourceVersion: "11" });
      await node.put(world.key(A), newer);
      files.remove(`${POD}/a`);
      const owner = { policy: "owner" } as const;
      await groupPass(world, ["kubelet/pods.v1.core"], owner);
      assert.equal((await world.values())[A], newer);
      assert.equal((await world.run(owner)).updated, 1);
    },
  );

  await step("what was adopted and is newer gives way to policy owner alone", async (world) => {
    const { files, node } = world;
    await node.put(world.key(A), objectJson({ name: "a", resourceVersion: "9" }));
    const text = files.put(`${POD}/a`, rv("8"));
    await node.put(node.cache.identity.fenceKey, "other-life/7/x");
    assert.equal((await world.run({ adopt: true })).updated, 0);
    const reason = "another importer's value: resourceVersion 9 is newer than kubelet's 8";
    assert.deepEqual((await verify(node.context)).drift, [{ key: world.key(A), reason }]);
    assert.deepEqual([...standingOthers(node.cache.rows)], [[world.key(A), reason]]);
    assert.equal((await world.run({ policy: "owner" })).updated, 1);
    assert.deepEqual((await verify(node.context)).drift, []);
    await world.holds({ [A]: text });
  });

  await step(
    "files full of NUL and an empty etcd: each key is said to be missing in etcd, not unchanged",
    async (world) => {
      const { files, node } = world;
      const names = ["a", "b", "c"];
      const texts = names.map((name) => files.put(`${POD}/${name}`));
      const good = files.put(`${POD}/d`);
      await world.run();
      for (const name of names) files.write(`${POD}/${name}`, "\0".repeat(300));
      await node.wipeEtcd();
      const notPut = names.map((name) => ({
        key: world.key(`/pods/default/${name}`),
        path: `${POD}/${name}`,
        reason: "missing in etcd",
      }));
      const dry = await world.dry();
      assert.deepEqual([dry.notPut, dry.unchanged, dry.created], [notPut, 0, 1]);
      const { report, busy } = await world.outcome();
      assert.deepEqual([report.notPut, report.unchanged, report.created], [notPut, 0, 1]);
      assert.deepEqual([report.status, report.invalid.length, busy], ["partial", 3, []]);
      assert.deepEqual(await world.values(), { "/pods/default/d": good });
      // Another component's file of the same version stands in, whatever its bytes.
      const twin = filtered({ name: "a" }, "twin");
      files.write(`${PROXY}/a`, twin);
      assert.equal((await world.run()).created, 1);
      assert.equal((await world.values())[A], twin);
      files.remove(`${PROXY}/a`);
      files.put(`${PROXY}/z`);
      names.forEach((name, at) => files.write(`${POD}/${name}`, texts[at] ?? ""));
      const mended = await world.outcome();
      assert.deepEqual([mended.report.notPut, mended.report.status], [undefined, "in-step"]);
      assert.equal((await world.values())[A], texts[0]);
    },
  );

  await step(
    "a bad or held-back file keeps no other owner's older object from an empty etcd",
    async (world) => {
      const { files, node } = world;
      const names = ["a", "b", "c"];
      for (const name of names) files.put(`${POD}/${name}`, rv("12"));
      const lagging = names.map((name) => files.put(`${PROXY}/${name}`, rv("11")));
      files.put(`${POD}/only`);
      await world.run();
      files.write(`${POD}/a`, "\0".repeat(300));
      files.write(`${POD}/b`, "{");
      await node.wipeEtcd();
      assert.equal((await world.dry()).created, 4);
      const { report } = await world.outcome();
      assert.deepEqual([report.created, report.notPut, report.invalid.length], [4, undefined, 2]);
      const values = await world.values();
      assert.deepEqual([values[A], values["/pods/default/b"]], lagging.slice(0, 2));
      assert.deepEqual((await verify(node.context)).drift, []);
      // A daemon's look at the other group alone comes to the same.
      const newer = files.put(`${PROXY}/a`, rv("13"));
      assert.equal((await groupPass(world, ["kube-proxy/pods.v1.core"])).updated, 1);
      assert.equal((await world.values())[A], newer);
      // An unmounted disk: what no other owner holds is said to be missing.
      const away = `../gone-${crypto.randomUUID()}`;
      files.rename("kubelet", away);
      await node.wipeEtcd();
      const held = await world.outcome();
      assert.deepEqual(held.report.heldBack, [{ component: "kubelet", deletes: 1 }]);
      assert.deepEqual(held.report.notPut, [{
        key: world.key("/pods/default/only"),
        path: `${POD}/only`,
        reason: "missing in etcd",
      }]);
      assert.deepEqual([held.report.created, held.report.unchanged, held.busy], [3, 0, []]);
      assert.equal((await world.values())["/pods/default/c"], lagging[2]);
      files.rename(away, "kubelet");
      const mended = names.map((name) => files.put(`${POD}/${name}`, rv("14")));
      assert.equal((await world.run()).status, "in-step");
      names.forEach((name) => files.remove(`${PROXY}/${name}`));
      await world.run({ confirmDeletes: true });
      assert.equal((await world.values())[A], mended[0]);
    },
  );

  for (const way of ["in a directory that never rests", "in a group that is rewritten"]) {
    await step(
      `a file that is missing ${way} keeps no other owner's older object out`,
      async (world) => {
        const { files, node } = world;
        files.put(`${POD}/a`, rv("12"));
        await world.run();
        files.remove(`${POD}/a`);
        if (way.includes("rewritten")) files.mkdir("kubelet/tmp_pods.v1.core");
        else {
          world.onLstat = () => {
            world.wait(1);
            world.touch(POD);
          };
        }
        const lagging = files.put(`${PROXY}/a`, rv("11"));
        await node.wipeEtcd();
        assert.equal((await world.dry()).created, 1);
        const { report, busy } = await world.outcome();
        assert.deepEqual([report.created, report.notPut], [1, undefined]);
        assert.deepEqual(busy, ["kubelet/pods.v1.core"]);
        await world.holds({ [A]: lagging });
        const owners = node.cache.rows.get(world.key(A))?.owners ?? [];
        assert.deepEqual(owners.map(({ component }) => component), ["kubelet", "kube-proxy"]);
        // It is there again, and the fresher one.
        world.onLstat = () => {};
        files.remove("kubelet");
        const back = files.put(`${POD}/a`, rv("12"));
        await world.run();
        await world.holds({ [A]: back });
      },
    );
  }

  await step(
    "a bad file that holds a fresher version than etcd is said to be so",
    async (world) => {
      const { files, node } = world;
      files.put(`${POD}/a`, rv("10"));
      await world.run();
      await node.put(world.key(A), objectJson({ name: "a", resourceVersion: "9" }));
      files.write(`${POD}/a`, "\0");
      const { report } = await world.outcome();
      assert.deepEqual(report.notPut?.map(({ reason }) => reason), ["another version in etcd"]);
      files.put(`${POD}/a`, rv("10"));
      await world.run();
    },
  );

  await step(
    "rows of an earlier schema learn their bytes without a put, and heal what differs",
    async (world) => {
      const { files, node } = world;
      const texts = ["a", "b", "c"].map((name) => files.put(`${POD}/${name}`));
      await world.run();
      // As an earlier edgekeyd left it: it did not put b's later content.
      const later = filtered({ name: "b" }, "later");
      files.write(`${POD}/b`, later);
      const rows = new Map([...node.cache.rows].map(([key, { hash: _, ...row }]) => {
        const owners = row.owners.map(({ hash: _, ...owner }) => owner);
        return [key, { ...row, owners }];
      }));
      await node.cache.keep(rows);
      const { plan } = await world.dry();
      assert.deepEqual(plan?.map(({ key, action }) => [key, action]), [[
        world.key("/pods/default/b"),
        "put",
      ]]);
      assert.deepEqual(await world.run(), { ...IDLE, updated: 1, unchanged: 2 });
      await world.holds({
        [A]: texts[0] ?? "",
        "/pods/default/b": later,
        "/pods/default/c": texts[2] ?? "",
      });
      for (const row of node.cache.rows.values()) {
        const value = (await node.stored()).get(row.key.slice(node.prefix.length))?.value ?? "";
        assert.equal(row.hash, contentHash(new TextEncoder().encode(value)));
        assert.deepEqual(row.owners.map((owner) => owner.hash), [row.hash]);
      }
    },
  );
});
