import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { observe, recover } from "../../lib/store/mod.ts";
import { startEtcd } from "../support/etcd_server.ts";
import {
  delay,
  dieAfter,
  dieBefore,
  loseAnswer,
  loseRequest,
  type TxnHook,
  unreachable,
} from "../support/hooked_etcd.ts";
import { TestNode } from "../support/test_node.ts";
import { bytesOf, lookAtAll, put, remove, replace } from "./_operations.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const pod = (name: string) => `/pods/default/${name}`;
const names = (count: number) => Array.from({ length: count }, (_, at) => `p${at}`);

/** Mods by name, and whether each row has the very mod that etcd has. */
async function agrees(node: TestNode): Promise<void> {
  const stored = await node.stored();
  const rows = [...node.cache.rows.values()].filter(({ ours }) => ours);
  assert.deepEqual(
    new Map(rows.map(({ key, mod }) => [key.slice(node.prefix.length), mod])),
    new Map([...stored].map(([key, { mod }]) => [key, mod])),
  );
  assert.equal((await node.get(node.fenceKey))?.value ?? null, node.cache.fence.expected);
  assert.equal(node.cache.intent, undefined);
}

Deno.test("the commit protocol on a real etcd", async (t) => {
  await using server = await startEtcd();
  const step = async (name: string, body: (node: TestNode) => Promise<void>) => {
    await t.step(name, async () => {
      await using node = await TestNode.start(server);
      await body(node);
    });
  };

  await step("the fence is born with the first Txn and moves with each", async (node) => {
    assert.equal(await node.get(node.fenceKey), undefined);
    await replace(node, { objects: ["a"] });
    const { life } = node.cache.identity;
    const first = await node.get(node.fenceKey);
    assert.match(first?.value ?? "", new RegExp(`^${life}/1/[0-9a-f]{32}$`));
    await remove(node, "kubelet");
    const second = await node.get(node.fenceKey);
    assert.match(second?.value ?? "", new RegExp(`^${life}/2/[0-9a-f]{32}$`));
    await agrees(node);
  });

  await step(
    "a delete that did not happen, and whose answer is lost, is not counted",
    async (node) => {
      await replace(node, { objects: ["a", "b"] });
      node.etcd.next(async (send, request) => {
        await node.put(node.prefix + pod("a"), "k8s\0theirs");
        return await loseAnswer(send, request);
      });
      const done = await replace(node, { objects: [] });
      assert.deepEqual([done.deleted, done.failure], [1, undefined]);
      assert.deepEqual([...done.conflicts.keys()], [node.prefix + pod("a")]);
      assert.deepEqual(await node.keys(), [pod("a")]);
    },
  );

  await step("a rolled-back cache that is adopted knows no mod any more", async (node) => {
    await replace(node, { objects: ["a"] });
    const copy = await node.saveState();
    // The same version at another mod, which the copy does not know of.
    for (const objects of [[], ["a"]]) await replace(node, { objects });
    await node.restoreState(copy);
    await assert.rejects(recover(node.context), { name: "FenceError" });
    assert.equal((await recover(node.context, { adopt: true })).verdict, "adopted");
    assert.deepEqual([...node.cache.rows.values()].map(({ mod }) => mod), [null]);
    const done = await replace(node, { objects: [] });
    assert.deepEqual([done.deleted, done.conflicts.size, done.failure], [1, 0, undefined]);
    assert.equal(await node.get(node.prefix + pod("a")), undefined);
  });

  for (const [what, hook] of Object.entries({ loseAnswer, loseRequest })) {
    await step(`${what}: puts are brought about all the same, each once`, async (node) => {
      node.etcd.next(hook);
      const done = await replace(node, { objects: ["a", "b"] });
      assert.deepEqual([done.created, done.updated, done.failure], [2, 0, undefined]);
      assert.deepEqual(await node.keys(), [pod("a"), pod("b")]);
      await agrees(node);
    });

    await step(`${what}: deletes are brought about all the same`, async (node) => {
      await replace(node, { objects: ["a", "b", "c"] });
      node.etcd.next(hook);
      const done = await replace(node, { objects: ["c"] });
      assert.deepEqual([done.deleted, done.conflicts.size, done.failure], [2, 0, undefined]);
      assert.deepEqual([...node.cache.tombstones.keys()].sort(), [
        node.prefix + pod("a"),
        node.prefix + pod("b"),
      ]);
      await agrees(node);
    });

    await step(`${what} of the bump as well: still settled`, async (node) => {
      node.etcd.next(loseRequest, hook);
      const done = await replace(node, { objects: ["a"] });
      assert.deepEqual([done.created, done.failure], [1, undefined]);
      await agrees(node);
    });

    await step(
      `${what} of a Txn that reads: nothing stays pending, and it can be read again`,
      async (node) => {
        const key = node.prefix + pod("a");
        await replace(node, { objects: ["a"] });
        await node.wipeEtcd();
        await recover(node.context);
        await node.put(key, text(bytesOf({ name: "a", resourceVersion: "3" })));
        // It may be this node's own.
        node.etcd.next(hook);
        const done = await replace(node, { objects: ["a"] });
        assert.equal(done.failure?.code, hook === loseAnswer ? undefined : "Etcd");
        assert.equal(node.cache.intent, undefined);
        const again = await replace(node, { objects: ["a"] });
        assert.deepEqual([done.updated + again.updated, again.failure], [1, undefined]);
        await agrees(node);
      },
    );
  }

  await step("a Txn that arrives after it was given up is fenced off", async (node) => {
    await replace(node, { objects: ["old"] });
    const late = delay();
    node.etcd.next(late.hook);
    const done = await replace(node, { objects: ["new"] });
    assert.deepEqual([done.created, done.deleted, done.failure], [1, 1, undefined]);
    const before = await node.stored();
    assert.equal((await late.arrive()).succeeded, false);
    assert.deepEqual(await node.stored(), before);
    await agrees(node);
  });

  await step(
    "a Txn that was never sent leaves nothing pending, and its error is the answer",
    async (node) => {
      node.etcd.next(unreachable);
      const done = await replace(node, { objects: ["a"] });
      assert.equal(done.failure?.code, "Etcd");
      assert.equal(node.cache.intent, undefined);
      assert.equal(node.cache.rows.size, 0);
      assert.deepEqual(await node.keys(), []);
      assert.equal((await replace(node, { objects: ["a"] })).created, 1);
    },
  );

  await step(
    "a process that dies after the Txn: the next one finds it applied, key by key",
    async (node) => {
      await replace(node, { objects: ["a", "b", "changed"] });
      await node.put(node.prefix + pod("changed"), "k8s\0theirs");
      node.etcd.next(dieAfter);
      const a = { name: "a", resourceVersion: "8" };
      await assert.rejects(
        put(node, [{ objects: [a, "c", { name: "changed", resourceVersion: "9" }] }]),
        /died after/,
      );
      await node.restart();
      assert.equal(node.cache.intent?.entries.length, 3);
      const { verdict, succeeded } = await recover(node.context);
      assert.deepEqual([verdict, succeeded], ["applied", [true, true, false]]);
      assert.equal(node.cache.rows.get(node.prefix + pod("changed"))?.ours, false);
      const stored = await node.stored();
      assert.equal(stored.get(pod("a"))?.value, text(bytesOf(a)));
      for (const name of ["a", "b", "c"]) {
        const row = node.cache.rows.get(node.prefix + pod(name));
        assert.deepEqual([row?.ours, row?.mod], [true, stored.get(pod(name))?.mod]);
      }
      assert.equal((await recover(node.context)).verdict, "in-step");
    },
  );

  await step(
    "a process that dies before the Txn: the next one fences it off and plans afresh",
    async (node) => {
      await replace(node, { objects: ["a"] });
      const before = await node.stored();
      node.etcd.next(dieBefore);
      await assert.rejects(put(node, [{ objects: [{ name: "a", resourceVersion: "8" }, "b"] }]));
      await node.restart();
      assert.equal((await recover(node.context)).verdict, "fenced-off");
      assert.deepEqual(await node.stored(), before);
      const done = await put(node, [{ objects: [{ name: "a", resourceVersion: "8" }, "b"] }]);
      assert.deepEqual([done.created, done.updated, done.conflicts.size], [1, 1, 0]);
      await agrees(node);
    },
  );

  for (const [what, hook] of Object.entries({ dieBefore, dieAfter })) {
    await step(
      `${what} with another uid, and then its file is gone: no ghost stays`,
      async (node) => {
        await replace(node, { objects: [{ name: "a", uid: "first" }] });
        node.etcd.next(hook);
        await assert.rejects(
          replace(node, { objects: [{ name: "a", uid: "second", resourceVersion: "9" }] }),
        );
        await node.restart();
        await recover(node.context);
        const done = await remove(node, "kubelet");
        assert.deepEqual([done.deleted, done.conflicts.size], [1, 0]);
        assert.deepEqual(await node.keys(), []);
        assert.equal(node.cache.rows.size, 0);
      },
    );

    await step(
      `${what} over another importer's value, and then its file is gone: what is not ours stays`,
      async (node) => {
        const theirs = text(bytesOf({ name: "a", uid: "u", resourceVersion: "3" }));
        await node.put(node.prefix + pod("a"), theirs);
        node.etcd.next(hook);
        await assert.rejects(replace(node, { objects: [{ name: "a", uid: "u" }] }));
        await node.restart();
        await recover(node.context);
        await remove(node, "kubelet");
        assert.equal(
          (await node.get(node.prefix + pod("a")))?.value,
          hook === dieBefore ? theirs : undefined,
        );
        assert.equal(node.cache.rows.size, 0);
      },
    );
  }

  await step(
    "an intent that hangs while its process dies can't apply after recovery",
    async (node) => {
      const late = delay();
      const hang: TxnHook = (send, request) => {
        try {
          return late.hook(send, request);
        } catch {
          throw new Error("died while it was sent");
        }
      };
      node.etcd.next(hang);
      await assert.rejects(replace(node, { objects: ["a"] }), /died while/);
      await node.restart();
      assert.equal((await recover(node.context)).verdict, "fenced-off");
      assert.equal((await late.arrive()).succeeded, false);
      assert.deepEqual(await node.keys(), []);
    },
  );

  await step(
    "an etcd that came back empty: every mod is unknown, and all is put again",
    async (node) => {
      await replace(node, { objects: ["a", "b"] });
      await node.wipeEtcd();
      assert.equal((await recover(node.context)).verdict, "reset");
      assert.deepEqual([...node.cache.rows.values()].map(({ mod }) => mod), [null, null]);
      const done = await put(node, [{ objects: ["a", "b"] }]);
      assert.deepEqual([done.created, done.failure], [2, undefined]);
      await agrees(node);
    },
  );

  await step(
    "an etcd that is emptied under an operation: it notices, and brings its own keys about",
    async (node) => {
      await replace(node, { objects: ["a", "b"] });
      node.etcd.next(async (send) => {
        await node.wipeEtcd();
        return await send();
      });
      const done = await put(node, [{ objects: [{ name: "a", resourceVersion: "8" }, "b", "c"] }]);
      assert.deepEqual([done.created, done.failure], [3, undefined]);
      await agrees(node);
    },
  );

  await step(
    "an etcd that was restored: deletes made since are made again, if the value is what was deleted",
    async (node) => {
      await replace(node, { objects: ["keep", "gone", "gone2"] });
      const old = { fence: await node.get(node.fenceKey), keys: await node.stored() };
      await replace(node, { objects: ["keep"] });
      assert.deepEqual(await node.keys(), [pod("keep")]);
      // As a snapshot from before the deletes holds it; `gone2` was another object then.
      await node.put(node.fenceKey, old.fence?.value ?? "");
      await node.put(node.prefix + pod("gone"), old.keys.get(pod("gone"))?.value ?? "");
      await node.put(node.prefix + pod("gone2"), text(bytesOf({ name: "gone2", uid: "other" })));
      assert.equal((await recover(node.context)).verdict, "reset");
      assert.equal(node.cache.rows.get(node.prefix + pod("gone"))?.owners.length, 0);
      const all = await lookAtAll(node);
      assert.deepEqual([all.deleted, all.conflicts.size, all.failure], [1, 1, undefined]);
      assert.deepEqual(await node.keys(), [pod("gone2"), pod("keep")]);
      assert.deepEqual([...node.cache.rows.keys()], [node.prefix + pod("keep")]);
    },
  );

  await step(
    "an etcd found restored by an operation on one list: what nobody holds waits for a full pass",
    async (node) => {
      await replace(node, { objects: ["keep", "gone", "back"] });
      const copy = await node.copyEtcd();
      await replace(node, { objects: ["keep"] });
      await copy.restore();
      await replace(node, { component: "app", objects: ["new"] });
      const all = ["back", "gone", "keep", "new"].map(pod);
      assert.deepEqual(await node.keys(), all);
      await put(node, [{ objects: ["back"] }]);
      const full = await lookAtAll(node);
      assert.deepEqual([full.deleted, full.conflicts.size, full.failure], [1, 0, undefined]);
      assert.deepEqual(await node.keys(), ["back", "keep", "new"].map(pod));
    },
  );

  await step(
    "an etcd that goes back to an object before, of the same name: that is ours too",
    async (node) => {
      const first = [{ name: "held", uid: "1" }, { name: "gone", uid: "1" }];
      await replace(node, { objects: first });
      const copy = await node.copyEtcd();
      await replace(node, { objects: ["held", "gone"].map((name) => ({ name, uid: "2" })) });
      await replace(node, { objects: [{ name: "held", uid: "2" }] });
      await copy.restore();
      assert.equal((await recover(node.context)).verdict, "reset");
      const all = await lookAtAll(node);
      assert.deepEqual([all.deleted, all.conflicts.size, all.failure], [1, 0, undefined]);
      assert.deepEqual(await node.keys(), [pod("held")]);
    },
  );

  await step(
    "what a restore undid, and the next one brings back, is known as ours and as older",
    async (node) => {
      const [older, newer] = ["98", "113"].map((resourceVersion) => ({
        name: "a",
        uid: "1",
        resourceVersion,
      }));
      if (!older || !newer) throw new Error("two versions");
      await replace(node, { objects: [older] });
      await replace(node, { component: "kube-proxy", objects: [older] });
      const before = await node.copyEtcd();
      await replace(node, { component: "kube-proxy", objects: [newer] });
      const between = await node.copyEtcd();
      await replace(node, { component: "kube-proxy", objects: [] });
      await before.restore();
      assert.equal((await recover(node.context)).verdict, "reset");
      await lookAtAll(node);
      assert.equal(node.cache.rows.get(node.prefix + pod("a"))?.resourceVersion, "98");
      assert.equal((await replace(node, { objects: [] })).deleted, 1);
      await between.restore();
      assert.equal((await recover(node.context)).verdict, "reset");
      const all = await lookAtAll(node);
      assert.deepEqual([all.deleted, all.conflicts.size, all.failure], [1, 0, undefined]);
      assert.deepEqual(await node.keys(), []);
    },
  );

  await step(
    "an etcd that goes back, and forth again before anything was written, was restored twice",
    async (node) => {
      await replace(node, { objects: ["a"] });
      const old = await node.copyEtcd();
      await replace(node, { objects: ["a", "b"] });
      const latest = await node.copyEtcd();
      await old.restore();
      assert.equal((await recover(node.context)).verdict, "reset");
      await latest.restore();
      assert.equal((await recover(node.context)).verdict, "reset");
      await lookAtAll(node);
      assert.deepEqual(await node.keys(), [pod("a"), pod("b")]);
      await agrees(node);
    },
  );

  await step(
    "no fence that was ours, or was to be, is taken for that of a cache that was rolled back",
    async (node) => {
      const fences: string[] = [];
      node.etcd.next(async (send, request) => {
        fences.push(node.cache.intent?.header.bump ?? "");
        return await loseAnswer(send, request);
      });
      await replace(node, { objects: ["a"] });
      fences.push((await node.get(node.fenceKey))?.value ?? "");
      // A bump that arrives late, as an older etcd takes it.
      await node.put(node.fenceKey, fences[0] ?? "");
      assert.equal((await recover(node.context)).verdict, "reset");
      await node.put(node.fenceKey, "0000/5/beef");
      assert.equal((await recover(node.context, { adopt: true })).verdict, "adopted");
      await node.put(node.fenceKey, fences[1] ?? "");
      assert.equal((await recover(node.context)).verdict, "reset");
      assert.equal(new Set(fences).size, 2);
    },
  );

  await step(
    "a given-up put over another's older object of a name that was ours: that one stays",
    async (node) => {
      const [older, newer] = ["1", "2"].map((uid) => ({ name: "a", uid, resourceVersion: uid }));
      if (!older || !newer) throw new Error("two objects");
      for (const object of [older, newer]) await replace(node, { objects: [object] });
      await node.put(node.prefix + pod("a"), text(bytesOf(older)));
      node.etcd.next(dieBefore);
      const update = replace(node, { objects: [{ ...newer, resourceVersion: "3" }] });
      await assert.rejects(update, /died before/);
      await node.restart();
      assert.equal((await recover(node.context)).verdict, "fenced-off");
      const done = await replace(node, { objects: [] });
      assert.deepEqual([done.deleted, done.conflicts.size, done.failure], [0, 1, undefined]);
      assert.deepEqual(await node.keys(), [pod("a")]);
    },
  );

  await step(
    "a put that a restore undid before its answer was known, and the next one brings back",
    async (node) => {
      await replace(node, { objects: ["a"] });
      const before = await node.copyEtcd();
      node.etcd.next(dieAfter);
      await assert.rejects(replace(node, { objects: ["a", "b"] }), /died after/);
      const between = await node.copyEtcd();
      await before.restore();
      await node.restart();
      assert.equal((await recover(node.context)).verdict, "fenced-off");
      await between.restore();
      assert.equal((await recover(node.context)).verdict, "reset");
      const all = await lookAtAll(node);
      assert.deepEqual([all.deleted, all.conflicts.size, all.failure], [1, 0, undefined]);
      assert.deepEqual(await node.keys(), [pod("a")]);
    },
  );

  await step(
    "a bump that arrives after all, once a restore has undone the Txn that it came too late for",
    async (node) => {
      await replace(node, { objects: ["a", "b"] });
      const before = await node.copyEtcd();
      const [txn, bump] = [delay(), delay()];
      const overtaken: TxnHook = async (send, request) => {
        await txn.arrive();
        return await bump.hook(send, request);
      };
      node.etcd.next(txn.hook, overtaken);
      assert.equal((await replace(node, { objects: ["a"] })).deleted, 1);
      await before.restore();
      assert.equal((await bump.arrive()).succeeded, true);
      assert.equal((await recover(node.context)).verdict, "reset");
      assert.equal((await lookAtAll(node)).deleted, 1);
      assert.deepEqual(await node.keys(), [pod("a")]);
    },
  );

  await step(
    "a put that another overwrote before its answer was known, and a restore brings back",
    async (node) => {
      await replace(node, { objects: ["a"] });
      node.etcd.next(dieAfter);
      await assert.rejects(replace(node, { objects: ["a", "b", "c"] }), /died after/);
      const between = await node.copyEtcd();
      await node.put(node.prefix + pod("b"), "k8s\0theirs");
      await node.delete(node.prefix + pod("c"));
      await node.restart();
      assert.equal((await recover(node.context)).verdict, "applied");
      for (const objects of [["a", "d"], ["a"]]) await replace(node, { objects });
      await between.restore();
      assert.equal((await recover(node.context)).verdict, "reset");
      const all = await lookAtAll(node);
      assert.deepEqual([all.deleted, all.conflicts.size, all.failure], [2, 0, undefined]);
      assert.deepEqual(await node.keys(), [pod("a")]);
    },
  );

  await step("another life's fence stops all writing until --adopt", async (node) => {
    await replace(node, { objects: ["a"] });
    await node.put(node.fenceKey, "0000/5/beef");
    const refused = { name: "FenceError", verdict: "other-life", message: /--adopt/ };
    await assert.rejects(recover(node.context), refused);
    const before = await node.stored();
    const done = await put(node, [{ objects: ["b"] }]);
    assert.equal(done.failure?.code, "Fence");
    assert.deepEqual(await node.stored(), before);
    assert.equal(node.cache.intent, undefined);

    assert.equal((await recover(node.context, { adopt: true })).verdict, "adopted");
    assert.equal(node.cache.fence.adopting, true);
    assert.equal((await put(node, [{ objects: ["b"] }])).created, 1);
    assert.notEqual((await node.get(node.fenceKey))?.value, "0000/5/beef");
  });

  await step(
    "a state directory that was rolled back is refused, and adopts beyond every seq in use",
    async (node) => {
      await replace(node, { objects: ["a"] });
      const saved = await node.saveState();
      await replace(node, { objects: ["a", "b"] });
      await replace(node, { objects: ["a", "b", "c"] });
      await node.restoreState(saved);
      assert.equal(node.cache.fence.seq, 1);
      await assert.rejects(recover(node.context), { name: "FenceError", verdict: "rolled-back" });
      assert.equal((await recover(node.context, { adopt: true })).verdict, "adopted");
      assert.equal(node.cache.fence.seq, 3);
      await replace(node, { objects: ["a", "b", "c"] });
      assert.match((await node.get(node.fenceKey))?.value ?? "", /\/[4-9]\//);
    },
  );

  await step(
    "two agents under one node name: the second is refused, nothing of it is written",
    async (node) => {
      await replace(node, { objects: ["a"] });
      await using twin = await TestNode.start(server, {
        nodeName: node.nodeName,
        prefix: node.prefix,
      });
      await assert.rejects(recover(twin.context), { verdict: "other-life" });
      const done = await put(twin, [{ objects: ["b"] }]);
      assert.equal(done.failure?.code, "Fence");
      assert.deepEqual(await node.keys(), [pod("a")]);
      assert.equal((await recover(node.context)).verdict, "in-step");
    },
  );

  await step("recover() writes nothing when all is in step", async (node) => {
    await replace(node, { objects: ["a"] });
    const revision = await node.revision();
    assert.equal((await recover(node.context)).verdict, "in-step");
    assert.equal(await node.revision(), revision);
  });

  await step(
    "observe() pages over 4,000 keys at one revision, and passes over neighbours",
    async (node) => {
      await put(node, [{ objects: names(4_200) }, { gvr: "nodes.v1.core", objects: ["n"] }]);
      await node.put(`${node.prefix}/pods/default/p1~foreign`, "x");
      await node.put(`${node.prefix}/leases/d/foreign`, "x");
      node.etcd.ranges.length = 0;
      let meddled = false;
      const rangeAll = node.etcd.rangeAll.bind(node.etcd);
      node.etcd.rangeAll = async (requests) => {
        const pages = await rangeAll(requests);
        if (!meddled) {
          meddled = true;
          await node.delete(`${node.prefix}/pods/default/p999`);
          await node.put(`${node.prefix}/pods/default/p998`, "x");
        }
        return pages;
      };
      const keys = [...node.cache.rows.keys()];
      const seen = await observe(node.context, keys);
      assert.equal(seen.fence, node.cache.fence.expected);
      assert.deepEqual(
        keys.filter((key) => seen.mods.get(key) !== node.cache.rows.get(key)?.mod),
        [],
      );
      assert.deepEqual([...seen.mods.keys()].filter((key) => key.includes("foreign")), []);
      const pages = node.etcd.ranges.filter((range) => range.keys_only);
      assert.equal(pages.length, 3, "two of pods, and the node");
      assert.deepEqual(new Set(pages.map((page) => page.revision)), new Set([seen.revision]));
      assert.ok(
        node.etcd.ranges.every(({ key, keys_only: keysOnly }) =>
          keysOnly === true || String(key) === node.fenceKey
        ),
      );
    },
  );

  await step("observe() starts over if etcd was restored while it was read", async (node) => {
    await replace(node, { objects: ["a"] });
    let asked = 0;
    const rangeAll = node.etcd.rangeAll.bind(node.etcd);
    node.etcd.rangeAll = async (requests) => {
      const read = await rangeAll(requests);
      // The second look at the fence finds another past at the same revision.
      const [fence] = ++asked === 1 ? read.answers[0]?.kvs ?? [] : [];
      if (fence) fence.value = Buffer.from("another");
      return read;
    };
    const seen = await observe(node.context, node.cache.rows.keys());
    assert.equal(seen.fence, node.cache.fence.expected);
    assert.equal(asked, 2);
  });

  await step("observe() finds keys that etcd orders otherwise than JavaScript", async (node) => {
    const objects = ["a", "～", "😀", "é"].map((name) => ({ name, uid: "u" }));
    await put(node, [{ objects }]);
    const seen = await observe(node.context, node.cache.rows.keys());
    assert.equal(seen.mods.size, 4);
    await agrees(node);
  });

  await step("recover() waits out a short absence of etcd, and no longer", async (node) => {
    await replace(node, { objects: ["a"] });
    const context = node.context;
    let fails = 2;
    const range = node.etcd.range.bind(node.etcd);
    const etcd = Object.assign(Object.create(node.etcd), {
      range: (request: Parameters<typeof range>[0]) => {
        if (fails-- > 0) return unreachable();
        return range(request);
      },
    });
    const slept: number[] = [];
    const sleep = (ms: number) => {
      slept.push(ms);
      return Promise.resolve();
    };
    const clock = { ...context.clock, sleep };
    assert.equal((await recover({ ...context, etcd, clock })).verdict, "in-step");
    assert.deepEqual(slept, [250, 500]);
    fails = 100;
    await assert.rejects(recover({ ...context, etcd, clock }), { reason: "unreachable" });
    assert.ok(slept.length < 10);
  });
});
