import assert from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { World } from "./_world.ts";

const SENSOR = "/devices.example.com/sensors/shop/s";
const sensor = (component: string, version: string) =>
  `${component}/sensors.${version}.devices.example.com/shop/s`;

Deno.test("a component's entries never use up the room that another has in a key's record", async (t) => {
  await using server = await startEtcd();
  for (const evils of [1, 5]) {
    await t.step(`${evils} with 70 versions each of kubelet's object`, async () => {
      await using world = await World.start(server);
      world.files.put(sensor("kubelet", "v1"), { resourceVersion: "5" });
      await world.run();
      for (let version = 1; version <= 70; version++) {
        for (let evil = 1; evil <= evils; evil++) {
          const path = sensor(`evil-${evil}`, `v${version}`);
          world.files.put(path, { resourceVersion: "4", uid: "u".repeat(128) });
        }
      }
      const { status, invalid } = await world.run();
      assert.equal(status, "partial");
      assert.ok(
        invalid.every(({ path, reason }) =>
          path.startsWith("evil-") && /too many other versions or groups/.test(reason)
        ),
      );
      // Kubelet's comes back, newer; so does that of somebody who was never there.
      world.files.remove("kubelet");
      world.files.put("kubelet/nodes.v1.core/n");
      await world.run({ confirmDeletes: true });
      world.files.put(sensor("kubelet", "v1"), { resourceVersion: "9" });
      for (let other = 10; other < 40; other++) {
        world.files.put(sensor(`other-${other}`, "v1"), { resourceVersion: "6" });
      }
      const after = await world.run();
      assert.deepEqual(after.invalid.filter(({ path }) => !path.startsWith("evil-")), []);
      const owners = world.node.cache.rows.get(world.key(SENSOR))?.owners ?? [];
      assert.equal(owners.filter(({ component }) => !component.startsWith("evil-")).length, 31);
      const value = (await world.node.get(world.key(SENSOR)))?.value ?? "";
      assert.match(value, /"resourceVersion":"9"/);
    });
  }
});

Deno.test("what is not imported takes up no room of its component", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  const options = {
    limits: { maxKeys: 3, maxBytes: 1_000_000 },
    leavesOutSecrets: true,
    excludeResources: ["leases.v1.coordination.k8s.io"],
  };
  const { files } = world;
  for (const name of ["a", "b", "c"]) {
    files.put(`kubelet/secrets.v1.core/shop/${name}`);
    files.put(`kubelet/leases/shop/${name}`, { gvr: "leases.v1.coordination.k8s.io" });
  }
  files.put("kubelet/services.v1.core/shop/a");
  files.put("kubelet/services.v1.core/shop/b");
  for (const created of [2, 0]) {
    const done = await world.run(options);
    assert.deepEqual([done.status, done.created, done.invalid], ["in-step", created, []]);
  }
  files.remove("kubelet/leases");
  files.put("kubelet/services.v1.core/shop/c");
  // Full is full, but not of Secrets.
  for (const created of [1, 0]) {
    const done = await world.run(options);
    assert.deepEqual([done.status, done.created, done.invalid], ["in-step", created, []]);
  }
  files.put("kubelet/services.v1.core/shop/d");
  const { invalid } = await world.run(options);
  assert.deepEqual(invalid.map(({ path }) => path), ["kubelet/services.v1.core"]);
});

Deno.test("a component whose Secrets are left out, and are too many entries, is told of", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  for (let at = 0; at <= 1_010; at++) world.files.put(`kubelet/secrets.v1.core/shop/s${at}`);
  const options = { limits: { maxKeys: 5, maxBytes: 1_000_000 }, leavesOutSecrets: true };
  const { status, invalid } = await world.run(options);
  assert.deepEqual([status, invalid.map(({ path }) => path)], ["partial", ["kubelet"]]);
});

Deno.test("a component with little room that moves its objects loses no key on the way", async (t) => {
  await using server = await startEtcd();
  const gvr = "horizontalpodautoscalers.v2.autoscaling";
  for (
    const [what, before] of [
      ["from the older layout", "horizontalpodautoscalers"],
      ["from another version", "horizontalpodautoscalers.v1.autoscaling"],
    ] as const
  ) {
    for (const room of [1, 0]) {
      await t.step(`${what}, with room for ${room} more`, async () => {
        await using world = await World.start(server);
        const { files } = world;
        const names = ["a", "b", "c"];
        const isOlder = !before.includes(".");
        for (const name of names) {
          files.put(`kubelet/${before}/shop/${name}`, isOlder ? { gvr } : {});
        }
        const maxKeys = names.length + room;
        // The guard would hide what is let go.
        const options = { limits: { maxKeys, maxBytes: 1_000_000 }, confirmDeletes: true };
        assert.equal((await world.run(options)).created, names.length);
        files.remove(`kubelet/${before}`);
        for (const name of names) {
          files.put(`kubelet/${gvr}/shop/${name}`, { resourceVersion: "9" });
        }
        const statuses: string[] = [];
        for (let run = 0; run < names.length; run++) {
          const { deleted, status } = await world.run(options);
          assert.equal(deleted, 0);
          statuses.push(status);
        }
        assert.equal(statuses.at(-1), room > 0 ? "in-step" : "partial");
        const more = {
          limits: { maxKeys: 2 * maxKeys, maxBytes: 1_000_000 },
          confirmDeletes: true,
        };
        assert.equal((await world.run(more)).status, "in-step");
        const values = Object.values(await world.values());
        assert.equal(values.filter((value) => value.includes('"resourceVersion":"9"')).length, 3);
        // What is gone for good is let go.
        files.remove(`kubelet/${gvr}/shop/a`);
        assert.equal((await world.run(more)).deleted, 1);
      });
    }
  }
});
