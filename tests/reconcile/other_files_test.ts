import assert from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { IDLE, World } from "./_world.ts";

const CURRENT = "kubelet/pods.v1.core";
const OLDER = "kubelet/pods";
const A = "default/a";
const KEY = "/pods/default/a";

Deno.test("before a key is deleted every file is looked at that can hold it", async (t) => {
  await using server = await startEtcd();
  const step = (name: string, work: (world: World) => Promise<void>) =>
    t.step(name, async () => {
      await using world = await World.start(server);
      await work(world);
    });
  const older = { gvr: "pods.v1.core" };

  for (const full of [true, false]) {
    const pass = full ? "a full pass" : "a pass over the group";
    for (
      const [what, recorded, other] of [
        ["in the older layout", CURRENT, OLDER],
        ["in the current layout", OLDER, CURRENT],
      ] as const
    ) {
      await step(`a file ${what} holds the key, in ${pass}`, async (world) => {
        const { files } = world;
        files.put(`${recorded}/${A}`, { resourceVersion: "9", ...older });
        await world.look();
        const bytes = files.put(`${other}/${A}`, { resourceVersion: "9", ...older });
        files.remove(`${recorded}/${A}`);
        const done = await (full ? world.look() : world.look({}, recorded));
        assert.equal(done.deleted, 0);
        assert.deepEqual(await world.values(), { [KEY]: bytes });
        files.remove(`${other}/${A}`);
        assert.equal((await world.look({}, other)).deleted, 1);
      });
    }
  }

  for (
    const [what, recorded, other, key] of [
      [
        "in another version",
        "kubelet/horizontalpodautoscalers.v1.autoscaling",
        "kubelet/horizontalpodautoscalers.v2.autoscaling",
        "/horizontalpodautoscalers/default/a",
      ],
      [
        "in another group",
        "kubelet/events.v1.core",
        "kubelet/events.v1.events.k8s.io",
        "/events/default/a",
      ],
      ["of another component", CURRENT, "flanneld/pods.v1.core", KEY],
    ] as const
  ) {
    await step(`a file ${what} that nobody has looked at yet holds the key`, async (world) => {
      const { files } = world;
      files.put(`${recorded}/${A}`);
      await world.look();
      files.put(`${other}/${A}`);
      files.remove(`${recorded}/${A}`);
      const done = await world.look({}, recorded);
      assert.equal(done.deleted, 0);
      assert.deepEqual(Object.keys(await world.values()), [key]);
      files.remove(`${other}/${A}`);
      assert.equal((await world.look()).deleted, 1);
    });
  }

  for (
    const backup of [
      "kubelet/tmp_pods/default/a",
      `${OLDER}/tmp_default/a`,
      `${OLDER}/default/tmp_a`,
    ]
  ) {
    await step(`so does the backup ${backup}`, async (world) => {
      const { files } = world;
      files.put(`${CURRENT}/${A}`);
      await world.look();
      files.put(backup, older);
      files.remove(`${CURRENT}/${A}`);
      assert.equal((await world.look({}, CURRENT)).deleted, 0);
      assert.deepEqual(Object.keys(await world.values()), [KEY]);
    });
  }

  await step("and so for what is only gone once the first are looked at", async (world) => {
    const { files } = world;
    const [b, other] = ["default/b", "flanneld/pods.v1.core"];
    for (const object of [A, b]) files.put(`${CURRENT}/${object}`);
    await world.look();
    for (const object of [A, b]) files.put(`${other}/${object}`);
    files.remove(`${CURRENT}/${A}`);
    world.onLstat = (path) => {
      if (path.endsWith(`${other}/${A}`)) files.remove(`${CURRENT}/${b}`);
    };
    assert.equal((await world.look({}, CURRENT)).deleted, 0);
    assert.deepEqual(Object.keys(await world.values()), [KEY, "/pods/default/b"]);
  });

  await step("one that can't be read never held it, and does once it is well", async (world) => {
    const { files } = world;
    files.put(`${CURRENT}/${A}`);
    await world.look();
    files.write(`${OLDER}/${A}`, "{half");
    files.remove(`${CURRENT}/${A}`);
    const { deleted, invalid } = await world.look({}, CURRENT);
    assert.deepEqual([deleted, invalid.length], [1, 1]);
    files.put(`${OLDER}/${A}`, older);
    assert.equal((await world.look({}, OLDER)).created, 1);
  });

  await step("one that is as fresh takes the place of one that is bad", async (world) => {
    const { files } = world;
    files.put(`${CURRENT}/${A}`, { resourceVersion: "9" });
    await world.look();
    files.write(`${CURRENT}/${A}`, "{half");
    const bytes = files.put(`${OLDER}/${A}`, { resourceVersion: "9", ...older });
    await world.node.delete(world.node.prefix + KEY);
    assert.equal((await world.look()).created, 1);
    assert.deepEqual(await world.values(), { [KEY]: bytes });
  });

  await step("one that is older does not", async (world) => {
    const { files } = world;
    const bytes = files.put(`${CURRENT}/${A}`, { resourceVersion: "9" });
    await world.look();
    files.write(`${CURRENT}/${A}`, "{half");
    files.put(`${OLDER}/${A}`, { resourceVersion: "8", ...older });
    assert.equal((await world.look()).updated, 0);
    assert.deepEqual(await world.values(), { [KEY]: bytes });
  });

  await step(
    "one of its component counts, though the run is not to look at that",
    async (world) => {
      const { files } = world;
      files.put(`${CURRENT}/${A}`);
      await world.look();
      files.put(`${OLDER}/${A}`, older);
      files.remove(`${CURRENT}/${A}`);
      await world.node.delete(world.node.prefix + KEY);
      await world.look({ components: ["flanneld"] });
      assert.equal((await world.look()).deleted, 0);
      assert.deepEqual(Object.keys(await world.values()), [KEY]);
    },
  );

  await step(
    "one of another resource of that name does not, nor one that is left out",
    async (world) => {
      const { files } = world;
      const widgets = "kubelet/widgets.v1.example.com";
      files.put(`${widgets}/${A}`);
      files.put(`${CURRENT}/${A}`);
      await world.look();
      files.put(`kubelet/widgets/${A}`, { gvr: "widgets.v1.other.example.com" });
      files.put(`proxy/pods.v1.core/${A}`);
      files.remove(`${widgets}/${A}`);
      files.remove(`${CURRENT}/${A}`);
      const done = await world.look({ components: ["kubelet"] });
      assert.deepEqual(done, { ...IDLE, created: 1, deleted: 2 });
    },
  );
});
