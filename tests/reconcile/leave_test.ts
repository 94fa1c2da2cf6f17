import assert from "node:assert/strict";
import { retire, verify } from "../../lib/reconcile/mod.ts";
import { recover } from "../../lib/store/mod.ts";
import { startEtcd } from "../support/etcd_server.ts";
import {
  dieAfter,
  dieBefore,
  loseAnswer,
  loseRequest,
  type TxnHook,
} from "../support/hooked_etcd.ts";
import { World } from "./_world.ts";

const POD = "kubelet/pods.v1.core/default";
/** Nothing befalls this one. */
const passOn: TxnHook = (send) => send();

Deno.test("retire() and verify() on a real etcd", async (t) => {
  await using server = await startEtcd();
  const step = async (name: string, body: (world: World) => Promise<void>) => {
    await t.step(name, async () => {
      await using world = await World.start(server);
      world.files.put(`${POD}/a`);
      world.files.put(`${POD}/b`);
      world.files.put("kube-proxy/pods.v1.core/default/b");
      world.files.put("kube-proxy/services.v1.core/default/s");
      await world.run();
      await body(world);
    });
  };

  await step("retire() leaves nothing of this node: no key, no fence, no row", async (world) => {
    const { node } = world;
    const done = await retire(node.context);
    assert.deepEqual([done.deleted, done.failure], [3, undefined]);
    assert.deepEqual(await node.keys(), []);
    assert.equal(await node.get(node.fenceKey), undefined);
    assert.equal(node.cache.rows.size, 0);
    // Safe to run again, and the node may come back.
    const revision = await node.revision();
    assert.equal((await retire(node.context)).deleted, 0);
    assert.equal(await node.revision(), revision);
    assert.equal((await world.run()).created, 3);
  });

  await step("retire() forgets the lists that components were given", async ({ node }) => {
    const { cache } = node;
    const fact = { component: "sensor", gvr: "pods.v1.core", namespace: "" };
    await cache.noteList(fact);
    await cache.noteList({ ...fact, component: "other" });
    assert.equal((await retire(node.context)).failure, undefined);
    assert.deepEqual([cache.lists.has(fact), [...cache.lists.components]], [false, []]);
  });

  await step("retire() leaves what another wrote or changed", async (world) => {
    const { node } = world;
    await node.put(world.key("/pods/default/a"), "k8s\0theirs");
    await node.put(world.key("/pods/default/foreign"), "k8s\0theirs");
    const done = await retire(node.context);
    assert.deepEqual([done.deleted, [...done.conflicts.keys()]], [
      2,
      [world.key("/pods/default/a")],
    ]);
    assert.deepEqual(await node.keys(), ["/pods/default/a", "/pods/default/foreign"]);
    assert.equal(await node.get(node.fenceKey), undefined);
  });

  for (const [what, hook] of Object.entries({ loseAnswer, loseRequest })) {
    await step(`retire() with ${what} of either Txn still leaves nothing`, async (world) => {
      const { node } = world;
      node.etcd.next(hook);
      assert.equal((await retire(node.context)).failure, undefined);
      assert.deepEqual(await node.keys(), []);
      assert.equal(await node.get(node.fenceKey), undefined);
      await world.run();
      node.etcd.next(passOn, hook);
      await retire(node.context);
      assert.deepEqual(await node.keys(), []);
      assert.equal(await node.get(node.fenceKey), undefined);
      assert.equal(node.cache.fence.expected, null);
    });
  }

  for (const [what, hook] of Object.entries({ dieBefore, dieAfter })) {
    await step(`retire() after ${what} of either Txn can be run again`, async (world) => {
      const { node } = world;
      node.etcd.next(hook);
      await assert.rejects(retire(node.context), /died/);
      await node.restart();
      node.etcd.next(
        ...(what === "dieBefore" ? [passOn] : []),
        hook,
      );
      await assert.rejects(retire(node.context), /died/);
      await node.restart();
      await retire(node.context);
      assert.deepEqual(await node.keys(), []);
      assert.equal(await node.get(node.fenceKey), undefined);
    });
  }

  await step(
    "retire(): what a restored etcd brings back before the fence goes is deleted again",
    async (world) => {
      const { node } = world;
      const held = [node.fenceKey, ...(await node.keys()).map((key) => world.key(key))];
      const values = await Promise.all(held.map((key) => node.get(key)));
      node.etcd.next(passOn, async (send) => {
        for (const [index, key] of held.entries()) await node.put(key, values[index]?.value ?? "");
        return await send();
      });
      const done = await retire(node.context);
      assert.deepEqual([done.deleted, done.failure], [6, undefined]);
      assert.deepEqual(await node.keys(), []);
      assert.equal(await node.get(node.fenceKey), undefined);
      assert.equal(node.cache.rows.size, 0);
    },
  );

  await step("retire(): its fence, brought back by a restore, is known as older", async (world) => {
    const { node } = world;
    let last: string | undefined;
    node.etcd.next(passOn, async (send) => {
      last = (await node.get(node.fenceKey))?.value;
      return await send();
    });
    await retire(node.context);
    await node.put(node.fenceKey, last ?? "");
    assert.equal((await recover(node.context)).verdict, "reset");
    await world.run();
    assert.equal((await node.keys()).length, 3);
  });

  await step(
    "verify() finds what is missing and what another changed, and writes nothing",
    async (world) => {
      const { node } = world;
      const clean = await verify(node.context);
      assert.deepEqual([clean.keys, clean.drift, clean.fence], [3, [], undefined]);
      await node.delete(world.key("/pods/default/a"));
      await node.put(world.key("/pods/default/b"), "k8s\0theirs");
      const revision = await node.revision();
      const { drift } = await verify(node.context);
      assert.deepEqual(drift.toSorted((a, b) => a.key < b.key ? -1 : 1), [
        { key: world.key("/pods/default/a"), reason: "missing in etcd" },
        {
          key: world.key("/pods/default/b"),
          reason: "changed in etcd by another: an apiserver's value",
        },
      ]);
      assert.equal(await node.revision(), revision);
      await node.wipeEtcd();
      const wiped = await verify(node.context);
      assert.deepEqual([wiped.fence, wiped.drift.length], ["reset", 3]);
    },
  );

  await step("verify() is content with what another wrote and an owner holds", async (world) => {
    const { node } = world;
    await node.put(world.key("/pods/default/a"), world.files.put(`${POD}/a`));
    await world.run();
    assert.deepEqual((await verify(node.context)).drift, []);
  });

  await step("verify() says what is pending", async (world) => {
    const { node } = world;
    world.files.put(`${POD}/c`);
    node.etcd.next(dieBefore);
    await assert.rejects(world.run(), /died/);
    await node.restart();
    assert.equal((await verify(node.context)).fence, "not-applied");
    assert.notEqual(node.cache.intent, undefined);
  });
});
