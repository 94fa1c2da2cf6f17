import assert from "node:assert/strict";
import { createObject } from "../../lib/store/mod.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { objectJson } from "../support/objects.ts";
import { type RunOptions, World } from "./_world.ts";

const OUT: RunOptions = { leavesOutSecrets: true };
const SECRETS = "secrets.v1.core";

/** What a run did, in short, and what it said. */
async function runOf(world: World, options: RunOptions = OUT) {
  const { report, notes, failure } = await world.outcome(options);
  if (failure) throw failure;
  const { status, created, deleted, released, heldBack, invalid, secretsLeftOut } = report;
  return { status, created, deleted, released, heldBack, invalid, secretsLeftOut, notes };
}

Deno.test("core Secrets", async (t) => {
  await using server = await startEtcd();
  const keysOf = async (world: World) => Object.keys(await world.values());

  await t.step(
    "are left out by their key, wherever their files stand, and are counted",
    async () => {
      await using world = await World.start(server);
      const { files } = world;
      files.put(`kubelet/${SECRETS}/shop/a`);
      files.put(`kube-proxy/${SECRETS}/shop/a`);
      files.put("old/secrets/shop/b", { gvr: SECRETS });
      files.put("tmp_kubelet/secrets.v1.core/shop/c");
      files.put("kubelet/secrets.v2.core/shop/a", { gvr: "secrets.v2.core" });
      // A custom resource of that name has another key, and so is no Secret.
      files.put("kubelet/secrets.v1.example.com/shop/d");
      files.put("kubelet/configmaps.v1.core/shop/e");
      const run = await runOf(world);
      // What stands in tmp_kubelet is a rewrite.
      assert.deepEqual([run.status, run.created, run.secretsLeftOut], ["partial", 2, 2]);
      assert.deepEqual(await keysOf(world), [
        "/configmaps/shop/e",
        "/example.com/secrets/shop/d",
      ]);
      const dry = await world.dry(OUT);
      assert.deepEqual([dry.secretsLeftOut, dry.plan], [2, []]);
      // Asked for, they come; and a report that leaves out none counts none.
      const all = await runOf(world, {});
      assert.deepEqual([all.created, all.secretsLeftOut], [2, undefined]);
      assert.deepEqual((await keysOf(world)).filter((key) => key.startsWith("/secrets/")), [
        "/secrets/shop/a",
        "/secrets/shop/b",
      ]);
    },
  );

  await t.step("that can't be imported are nobody's loss", async () => {
    await using world = await World.start(server);
    world.files.write(`kubelet/${SECRETS}/shop/a`, "no JSON");
    world.files.write("kubelet/pods.v1.core/shop/a", "no JSON");
    const { status, invalid } = await runOf(world);
    assert.deepEqual([status, invalid.map(({ path }) => path)], [
      "partial",
      ["kubelet/pods.v1.core/shop/a"],
    ]);
    assert.deepEqual((await runOf(world, {})).invalid.length, 2);
  });

  await t.step("that were imported before are let go, with the reason, and stay gone", async () => {
    await using world = await World.start(server);
    const { files } = world;
    for (const component of ["kubelet", "kube-proxy"]) files.put(`${component}/${SECRETS}/shop/a`);
    files.put("old/secrets/shop/b", { gvr: SECRETS });
    files.put("kubelet/pods.v1.core/shop/p");
    await world.run();
    const dry = await world.dry(OUT);
    assert.deepEqual(
      dry.plan?.map(({ key, action, reason }) => [key, action, reason]).sort(),
      ["a", "b"].map((name) => [
        world.key(`/secrets/shop/${name}`),
        "delete",
        "core Secrets are left out without --include-secrets",
      ]),
    );
    const run = await runOf(world);
    assert.deepEqual([run.status, run.deleted, run.secretsLeftOut], ["in-step", 2, 2]);
    assert.match(run.notes.join(), /^2 core Secrets that had been imported were let go: without/);
    assert.deepEqual(await keysOf(world), ["/pods/shop/p"]);
    assert.deepEqual([...world.node.cache.rows.keys()], [world.key("/pods/shop/p")]);
    const next = await runOf(world);
    assert.deepEqual([next.deleted, next.notes, next.secretsLeftOut], [0, [], 2]);
  });

  await t.step("that came by the API before are let go as well", async () => {
    await using world = await World.start(server);
    const place = {
      component: "app",
      gvr: { group: "", version: "v1", resource: "secrets" },
      namespace: "shop",
      name: "a",
    };
    const body = objectJson({ gvr: SECRETS, namespace: "shop", name: "a" });
    await createObject(world.node.context, place, new TextEncoder().encode(body), {
      rules: { policy: "fresher", adopting: false },
      bytesOf: () => undefined,
    });
    assert.deepEqual(await keysOf(world), ["/secrets/shop/a"]);
    world.files.mkdir("app");
    assert.equal((await runOf(world)).deleted, 1);
    assert.deepEqual(await keysOf(world), []);
  });

  await t.step("that another importer wrote since stay", async () => {
    await using world = await World.start(server);
    world.files.put(`kubelet/${SECRETS}/shop/a`);
    await world.run();
    const theirs = objectJson({
      gvr: SECRETS,
      namespace: "shop",
      name: "a",
      resourceVersion: "999",
    });
    await world.node.put(world.key("/secrets/shop/a"), theirs);
    const { deleted, released } = await runOf(world);
    assert.deepEqual([deleted, released], [0, 1]);
    assert.deepEqual(await world.values(), { "/secrets/shop/a": theirs });
  });

  await t.step("in bulk are held back until that is confirmed, and are told apart", async () => {
    await using world = await World.start(server);
    for (let at = 0; at < 20; at++) world.files.put(`kubelet/${SECRETS}/shop/s${at}`);
    world.files.put("kubelet/pods.v1.core/shop/p");
    await world.run();
    const before = await world.values();
    world.files.put(`kubelet/${SECRETS}/shop/s0`, { resourceVersion: "77" });
    for (const dry of [true, false]) {
      const { report, notes } = dry
        ? { report: await world.dry(OUT), notes: "" }
        : await world.outcome(OUT);
      assert.deepEqual(report.heldBack, [{ component: "kubelet", deletes: 20, secrets: 20 }]);
      assert.deepEqual([report.status, report.secretsLeftOut], ["partial", undefined]);
      if (!dry) {
        assert.match(
          String(notes),
          /^20 core Secrets that had been imported are to be let go, since/,
        );
      }
    }
    assert.deepEqual(await world.values(), before, "nor is any of them put anew");
    // Nor put again: not one that is gone, and not into an etcd that came back empty.
    await world.node.delete(world.key("/secrets/shop/s1"));
    await runOf(world);
    assert.equal((await keysOf(world)).includes("/secrets/shop/s1"), false);
    await world.node.wipeEtcd();
    const reset = await runOf(world);
    assert.deepEqual([reset.status, reset.created], ["partial", 1]);
    assert.deepEqual(await keysOf(world), ["/pods/shop/p"]);
    assert.deepEqual((await world.dry(OUT)).plan, []);
    const confirmed = await runOf(world, { ...OUT, confirmDeletes: true });
    assert.equal(confirmed.secretsLeftOut, 20);
    assert.deepEqual(world.node.cache.rows.size, 1);
    assert.deepEqual(await keysOf(world), ["/pods/shop/p"]);
  });

  await t.step(
    "of components and resources not looked at are kept, as all of these are",
    async () => {
      await using world = await World.start(server);
      for (const component of ["kubelet", "kube-proxy"]) {
        world.files.put(`${component}/${SECRETS}/shop/${component}`);
      }
      await world.run();
      const excluded = await runOf(world, { ...OUT, excludeResources: ["secrets"] });
      assert.deepEqual([excluded.deleted, excluded.secretsLeftOut], [0, undefined]);
      assert.match(excluded.notes.join(), /^2 keys of components or resources not looked at were/);
      const some = await runOf(world, { ...OUT, components: ["kubelet"] });
      assert.deepEqual([some.deleted, some.secretsLeftOut], [1, 1]);
      assert.deepEqual(await keysOf(world), ["/secrets/shop/kube-proxy"]);
    },
  );

  await t.step("are not taken up by a look at their group alone", async () => {
    await using world = await World.start(server);
    world.files.put("kubelet/pods.v1.core/shop/p");
    await world.look(OUT);
    world.files.put(`kubelet/${SECRETS}/shop/a`);
    const { created } = await world.look(OUT, `kubelet/${SECRETS}`);
    assert.equal(created, 0);
    assert.deepEqual(await keysOf(world), ["/pods/shop/p"]);
  });
});
