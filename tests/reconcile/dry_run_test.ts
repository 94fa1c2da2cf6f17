import assert from "node:assert/strict";
import fc from "fast-check";
import { dryRun } from "../../lib/reconcile/mod.ts";
import { CONFLICT_POLICIES } from "../../lib/store/mod.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { dieAfter, dieBefore } from "../support/hooked_etcd.ts";
import { objectJson } from "../support/objects.ts";
import type { NodeOptions } from "../support/test_node.ts";
import { doneOf, type RunOptions, World } from "./_world.ts";

const POD = "kubelet/pods.v1.core/default";

/** All that a dry run must leave as it is: etcd's revision and the state directory's bytes. */
async function untouched<T>(world: World, work: () => Promise<T>): Promise<T> {
  const state = () => {
    const { stateDir } = world.node;
    // SQLite's shared memory holds nothing that outlives the process.
    const names = [...Deno.readDirSync(stateDir)].map(({ name }) => name)
      .filter((name) => !name.endsWith("-shm")).sort();
    return names.map((name) => [name, Deno.readFileSync(`${stateDir}/${name}`)]);
  };
  const before = [await world.node.revision(), state()];
  const result = await work();
  assert.deepEqual([await world.node.revision(), state()], before);
  return result;
}

/** A dry run says what the real one then does. */
async function dryThenReal(world: World, options: RunOptions = {}): Promise<void> {
  const dry = await untouched(world, () => world.dry(options));
  const stored = new Set(await world.node.keys());
  const { report, failure } = await world.outcome(options);
  assert.equal(failure, undefined);
  assert.deepEqual(doneOf(dry), doneOf(report));
  // What is looked at besides is sent after the rest.
  const { components, excludeResources } = options;
  const isAll = components === undefined && excludeResources === undefined;
  assert.deepEqual([isAll && dry.txns, dry.staged], [isAll && report.txns, report.staged]);
  const after = new Set(await world.node.keys());
  const planned = (action: string) =>
    (dry.plan ?? []).filter((one) => one.action === action)
      .map(({ key }) => key.slice(world.node.prefix.length));
  assert.deepEqual(
    planned("delete").toSorted(),
    [...stored].filter((key) => !after.has(key)).toSorted(),
  );
  const created = [...after].filter((key) => !stored.has(key));
  const puts = new Set(planned("put"));
  assert.ok(created.every((key) => puts.has(key)));
  assert.equal(puts.size, report.created + report.updated);
  assert.equal(planned("release").length, report.released);
}

Deno.test("dryRun() on a real etcd", async (t) => {
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

  await step("names every put, delete and release, with owner and reason", async (world) => {
    const { files, node } = world;
    for (const name of ["gone", "changed", "shared", "drifted"]) files.put(`${POD}/${name}`);
    files.put("kube-proxy/pods.v1.core/default/shared");
    await world.run();
    files.remove(`${POD}/gone`);
    files.put(`${POD}/changed`, { resourceVersion: "8" });
    files.remove(`${POD}/shared`);
    files.put(`${POD}/new`);
    await node.delete(world.key("/pods/default/drifted"));
    const { plan } = await untouched(world, () => world.dry());
    const owner = "kubelet/pods.v1.core";
    const key = (name: string) => world.key(`/pods/default/${name}`);
    assert.deepEqual(plan?.toSorted((a, b) => a.key < b.key ? -1 : 1), [
      { key: key("changed"), action: "put", owner, reason: "newer resourceVersion" },
      { key: key("drifted"), action: "put", owner, reason: "missing in etcd" },
      { key: key("gone"), action: "delete", owner, reason: "no owner left" },
      { key: key("new"), action: "put", owner, reason: "new" },
      {
        key: key("shared"),
        action: "release",
        owner,
        reason: "still held by kube-proxy/pods.v1.core",
      },
    ]);
    await dryThenReal(world);
  });

  await step("of a first import is the import, and nothing is written", async (world) => {
    for (let at = 0; at < 30; at++) world.files.put(`${POD}/p${at}`);
    await dryThenReal(world);
    await dryThenReal(world);
  });

  await step("of a staged import with an object that fits no request", async (world) => {
    for (let at = 0; at < 60; at++) world.files.put(`${POD}/p${at}`, { padding: 200 });
    world.files.put(`${POD}/huge`, { padding: 9_000 });
    await dryThenReal(world);
    world.files.put(`${POD}/p1`, { resourceVersion: "8", padding: 9_000 });
    await dryThenReal(world);
  }, { requestBytes: 8_000 });

  await step("refuses what the real run refuses", async (world) => {
    for (let at = 0; at < 60; at++) world.files.put(`${POD}/p${at}`, { padding: 200 });
    const refused = await untouched(
      world,
      () =>
        dryRun(world.node.context, world.options({ requireSingleTxn: true })).then(
          ({ failure }) => failure?.code,
          (error: { code?: string }) => error.code,
        ),
    );
    assert.equal(refused, "TooLarge");
  }, { requestBytes: 8_000 });

  for (const [what, hook] of Object.entries({ dieBefore, dieAfter })) {
    await step(`after ${what}: what is pending is reported, not resolved`, async (world) => {
      world.files.put(`${POD}/a`);
      await world.run();
      world.files.put(`${POD}/a`, { resourceVersion: "8" });
      world.files.put(`${POD}/b`);
      world.node.etcd.next(hook);
      await assert.rejects(world.run(), /died/);
      await world.node.restart();
      const { report, notes } = await untouched(
        world,
        () => dryRun(world.node.context, world.options()),
      );
      assert.ok(notes.some((note) => note.includes("pending")));
      assert.notEqual(world.node.cache.intent, undefined);
      const real = doneOf((await world.outcome()).report);
      assert.deepEqual(doneOf(report), real);
    });
  }

  for (const [what, hook] of Object.entries({ dieBefore, dieAfter })) {
    await step(
      `after ${what} with another object of that name, and then its file is gone`,
      async (world) => {
        for (const name of ["a", "b"]) world.files.put(`${POD}/${name}`, { uid: "1" });
        await world.run();
        world.files.put(`${POD}/a`, { uid: "2", resourceVersion: "8" });
        world.node.etcd.next(hook);
        await assert.rejects(world.run(), /died/);
        await world.node.restart();
        world.files.remove(`${POD}/a`);
        const { report } = await untouched(
          world,
          () => dryRun(world.node.context, world.options()),
        );
        const real = doneOf((await world.outcome()).report);
        assert.deepEqual(doneOf(report), real);
        assert.deepEqual([real.deleted, real.conflicts], [1, []]);
      },
    );
  }

  await step("of an etcd that came back empty", async (world) => {
    for (const name of ["a", "b"]) world.files.put(`${POD}/${name}`);
    await world.run();
    await world.node.wipeEtcd();
    world.files.remove(`${POD}/a`);
    await dryThenReal(world);
  });

  await step(
    "of an etcd that was restored: deletes to be made again are in the plan",
    async (world) => {
      for (const name of ["a", "b"]) world.files.put(`${POD}/${name}`);
      await world.run();
      const { node } = world;
      const fence = await node.get(node.fenceKey);
      const value = await node.get(world.key("/pods/default/a"));
      world.files.remove(`${POD}/a`);
      await world.run();
      await node.put(node.fenceKey, fence?.value ?? "");
      await node.put(world.key("/pods/default/a"), value?.value ?? "");
      await dryThenReal(world);
      assert.deepEqual(await node.keys(), ["/pods/default/b"]);
    },
  );

  const name = fc.constantFrom("a", "b", "c", "d");
  const component = fc.constantFrom("kubelet", "kube-proxy");
  const directory = fc.constantFrom("pods.v1.core", "pods.v2beta1.core", "things.v1.g.io");
  const rv = fc.constantFrom("5", "6", "7", "8", "9");
  const place = fc.record({ component, directory, name });
  const change = fc.oneof(
    fc.record({ kind: fc.constant("put" as const), place, rv, uid: fc.constantFrom("u", "v") }),
    fc.record({ kind: fc.constant("bad" as const), place }),
    fc.record({ kind: fc.constant("remove" as const), place }),
    fc.record({ kind: fc.constant("foreign" as const), place, rv: fc.option(rv, { nil: "" }) }),
    fc.record({ kind: fc.constant("lose" as const), place }),
  );
  type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

  async function take(world: World, one: Change): Promise<void> {
    const { component, directory, name } = one.place;
    const path = `${component}/${directory}/d/${name}`;
    const key = world.key(`${directory.startsWith("things") ? "/g.io/things" : "/pods"}/d/${name}`);
    switch (one.kind) {
      case "put":
        world.files.put(path, { resourceVersion: one.rv, uid: one.uid });
        return;
      case "bad":
        world.files.write(path, "{");
        return;
      case "remove":
        world.files.mkdir(`${component}/${directory}/d`);
        if (
          [...Deno.readDirSync(world.files.path(`${component}/${directory}/d`))]
            .some((entry) => entry.name === name)
        ) world.files.remove(path);
        return;
      case "foreign":
        await world.node.put(
          key,
          objectJson({ gvr: directory, namespace: "d", name, resourceVersion: one.rv, uid: "u" }),
        );
        return;
      case "lose":
        await world.node.delete(key);
    }
  }

  await step(
    "of keys that etcd lost, whose files it was told not to look at and are not what they were",
    async (world) => {
      const { files, node } = world;
      const paths = ["a", "b", "c", "d"].map((name) => `kube-proxy/pods.v1.core/default/${name}`);
      for (const path of paths) files.put(path);
      files.put(`${POD}/mine`);
      files.put(`${POD}/mine-too`);
      await world.run();
      const [changed = "", gone = "", bad = ""] = paths;
      files.put(changed, { resourceVersion: "9" });
      files.remove(gone);
      files.write(bad, "{");
      for (const name of ["a", "b", "c", "d", "mine"]) {
        await node.delete(world.key(`/pods/default/${name}`));
      }
      await dryThenReal(world, { components: ["kubelet"] });
      const left = ["a", "d", "mine", "mine-too"].map((name) => `/pods/default/${name}`);
      assert.deepEqual((await node.keys()).toSorted(), left);
      await dryThenReal(world, { components: ["kubelet"] });
    },
  );

  await step(
    "of a key that so far only components held at which it was told not to look",
    async (world) => {
      world.files.put("kube-proxy/pods.v1.core/default/a");
      await world.run();
      world.files.put(`${POD}/a`);
      await dryThenReal(world, { components: ["kubelet"] });
      await dryThenReal(world, { components: ["kubelet"] });
      world.files.remove(`${POD}/a`);
      await dryThenReal(world, { components: ["kubelet"] });
    },
  );

  await step(
    "of a key that etcd lost, whose many owners it was told not to look at, all but one gone or bad",
    async (world) => {
      const { files, node } = world;
      const components = ["c1", "c2", "c3", "c4", "c5", "c6"];
      for (const [at, component] of components.entries()) {
        files.put(`${component}/pods.v1.core/default/a`, { resourceVersion: `${20 - at}` });
        files.put(`${component}/pods.v1.core/default/${component}`);
      }
      files.put(`${POD}/mine`);
      await world.run();
      for (const component of ["c1", "c2", "c4"]) {
        files.remove(`${component}/pods.v1.core/default/a`);
      }
      files.write("c3/pods.v1.core/default/a", "{");
      const last = files.put("c5/pods.v1.core/default/a", { resourceVersion: "30" });
      await node.delete(world.key("/pods/default/a"));
      await dryThenReal(world, { components: ["kubelet"] });
      assert.equal((await world.values())["/pods/default/a"], last);
      await dryThenReal(world, { components: ["kubelet"] });
    },
  );

  await t.step("says what the real run then does, whatever happened before", async () => {
    const rounds = fc.array(fc.array(change, { maxLength: 8 }), { minLength: 2, maxLength: 4 });
    const policy = fc.constantFrom(...CONFLICT_POLICIES);
    const scope = fc.constantFrom<RunOptions>(
      {},
      {},
      { components: ["kubelet"] },
      { excludeResources: ["things"] },
    );
    const scopes = fc.infiniteStream(scope);
    await fc.assert(
      fc.asyncProperty(rounds, policy, scopes, async (rounds, policy, scopes) => {
        await using world = await World.start(server);
        for (const changes of rounds) {
          for (const one of changes) await take(world, one);
          await dryThenReal(world, { policy, ...scopes.next().value });
        }
      }),
      { numRuns: 25 },
    );
  });
});
