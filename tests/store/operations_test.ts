import assert from "node:assert/strict";
import { EtcdError } from "../../lib/etcd/mod.ts";
import { KeyCacheError } from "../../lib/keycache/mod.ts";
import { type ApplyResult, listComponentKeys, recover } from "../../lib/store/mod.ts";
import { startEtcd } from "../support/etcd_server.ts";
import type { ObjectOptions } from "../support/objects.ts";
import {
  dieAfter,
  dieBefore,
  loseAnswer,
  loseRequest,
  unreachable,
  type ValuesHook,
} from "../support/hooked_etcd.ts";
import { type NodeOptions, TestNode } from "../support/test_node.ts";
import { bytesOf, counts, put, remove, replace } from "./_operations.ts";

const NOTHING = { created: 0, updated: 0, deleted: 0, released: 0, txns: 0 };
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const many = (from: number, to: number, changes: Partial<ObjectOptions> = {}) =>
  Array.from({ length: to - from }, (_, at) => ({ name: `p${from + at}`, ...changes }));

Deno.test("store operations on a real etcd", async (t) => {
  await using server = await startEtcd();
  const step = async (
    name: string,
    body: (node: TestNode) => Promise<void>,
    options: NodeOptions = {},
  ) => {
    await t.step(name, async () => {
      await using node = await TestNode.start(server, options);
      await body(node);
    });
  };

  await step(
    "replaceComponentList() puts the very bytes, and listComponentKeys() lists the keys",
    async (node) => {
      const done = await replace(node, { objects: ["a", { name: "b", padding: 500 }] });
      assert.deepEqual(counts(done), { ...NOTHING, created: 2, txns: 1 });
      const stored = await node.stored();
      assert.equal(stored.get("/pods/default/a")?.value, text(bytesOf("a")));
      assert.equal(
        stored.get("/pods/default/b")?.value,
        text(bytesOf({ name: "b", padding: 500 })),
      );
      assert.equal(done.revision, stored.get("/pods/default/a")?.mod);
      await replace(node, { gvr: "nodes.v1.core", objects: [{ name: "n", namespace: "" }] });
      await replace(node, { component: "kube-proxy", objects: ["a"] });
      const keys = (component?: string, gvr?: string) =>
        listComponentKeys(node.cache, component, gvr).map((key) => key.slice(node.prefix.length));
      assert.deepEqual(keys("kubelet", "pods.v1.core"), ["/pods/default/a", "/pods/default/b"]);
      assert.deepEqual(keys("kubelet"), ["/minions/n", "/pods/default/a", "/pods/default/b"]);
      assert.deepEqual(keys("kube-proxy"), ["/pods/default/a"]);
      assert.deepEqual(keys(undefined, "nodes.v1.core"), ["/minions/n"]);
      assert.deepEqual(keys(), ["/minions/n", "/pods/default/a", "/pods/default/b"]);
      assert.deepEqual(keys("nobody"), []);
    },
  );

  await step("what was done is told, too, if the list can't be noted", async (node) => {
    const full = new KeyCacheError("full", "the disk is full");
    const fail = () => Promise.reject(full);
    Object.assign(node.cache, { noteList: fail, forgetLists: fail });
    const done = ({ failure, ...result }: ApplyResult) => {
      assert.equal(failure, full);
      return counts({ ...result, failure: undefined });
    };
    const replaced = await replace(node, { objects: ["a", "b"] });
    assert.deepEqual(done(replaced), { ...NOTHING, created: 2, txns: 1 });
    assert.deepEqual(done(await remove(node, "kubelet")), { ...NOTHING, deleted: 2, txns: 1 });
  });

  await step("the same list again writes nothing to etcd", async (node) => {
    await replace(node, { objects: ["a", "b"] });
    const revision = await node.revision();
    const done = await replace(node, { objects: ["a", "b"] });
    assert.deepEqual(counts(done), NOTHING);
    assert.equal(await node.revision(), revision);
  });

  await step(
    "3,000 puts are one revision; so are the 1,000 updates and 1,000 deletes of the next list",
    async (node) => {
      const first = await replace(node, { objects: many(0, 3_000) });
      assert.deepEqual(counts(first), { ...NOTHING, created: 3_000, txns: 1 });
      const mods = new Set([...(await node.stored()).values()].map(({ mod }) => mod));
      assert.deepEqual([...mods], [first.revision]);

      const next = [...many(1_000, 2_000, { resourceVersion: "8" }), ...many(2_000, 3_000)];
      const before = await node.revision();
      const second = await replace(node, { objects: next });
      assert.deepEqual(counts(second), { ...NOTHING, updated: 1_000, deleted: 1_000, txns: 1 });
      assert.equal(second.staged, false);
      assert.equal(await node.revision(), String(Number(before) + 1));
      const stored = await node.stored();
      assert.equal(stored.size, 2_000);
      const at = (revision: string | undefined) =>
        [...stored.values()].filter(({ mod }) => mod === revision).length;
      assert.deepEqual([at(second.revision), at(first.revision)], [1_000, 1_000]);
      assert.equal(stored.get("/pods/default/p999"), undefined);
      assert.equal(stored.get("/pods/default/p1000")?.mod, second.revision);
    },
  );

  await step(
    "what etcd lost meanwhile is put again by the same list, and so answered",
    async (node) => {
      await replace(node, { component: "app", objects: ["a", "b"] });
      await node.delete(node.prefix + "/pods/default/a");
      assert.equal(
        counts(await replace(node, { component: "app", objects: ["a", "b"] })).created,
        1,
      );
      assert.deepEqual(await node.keys(), ["/pods/default/a", "/pods/default/b"]);
      await node.wipeEtcd();
      assert.equal(
        counts(await replace(node, { component: "app", objects: ["a", "b"] })).created,
        2,
      );
      assert.deepEqual(await node.keys(), ["/pods/default/a", "/pods/default/b"]);
    },
  );

  await step("a replace of one namespace touches that namespace only", async (node) => {
    await replace(node, {
      objects: [{ name: "a", namespace: "one" }, { name: "a", namespace: "two" }, "a"],
    });
    const done = await replace(node, {
      namespace: "one",
      objects: [{ name: "b", namespace: "one" }],
    });
    assert.deepEqual(counts(done), { ...NOTHING, created: 1, deleted: 1, txns: 1 });
    assert.deepEqual(await node.keys(), ["/pods/default/a", "/pods/one/b", "/pods/two/a"]);
    assert.deepEqual(counts(await replace(node, { namespace: "two", objects: [] })), {
      ...NOTHING,
      deleted: 1,
      txns: 1,
    });
    assert.deepEqual(await node.keys(), ["/pods/default/a", "/pods/one/b"]);
  });

  await step(
    "a list that names an object twice, or one of another namespace, changes nothing",
    async (node) => {
      await replace(node, { objects: ["a"] });
      const revision = await node.revision();
      const refused = { code: "InvalidContent" };
      await assert.rejects(replace(node, { objects: ["b", "b"] }), refused);
      await assert.rejects(replace(node, { namespace: "one", objects: ["b"] }), refused);
      assert.equal(await node.revision(), revision);
      assert.equal(node.cache.rows.size, 1);
    },
  );

  await step("a key that two components hold goes with the last of them", async (node) => {
    await replace(node, { objects: ["shared", "own"] });
    await replace(node, { component: "kube-proxy", objects: ["shared", "proxy"] });
    const revision = await node.revision();
    assert.deepEqual(counts(await replace(node, { objects: ["own"] })), {
      ...NOTHING,
      released: 1,
    });
    assert.equal(await node.revision(), revision);
    await replace(node, { objects: ["shared", "own"] });
    const removed = await remove(node, "kube-proxy");
    assert.deepEqual(counts(removed), { ...NOTHING, deleted: 1, released: 1, txns: 1 });
    assert.deepEqual(await node.keys(), ["/pods/default/own", "/pods/default/shared"]);
    assert.deepEqual(counts(await remove(node, "kubelet")), { ...NOTHING, deleted: 2, txns: 1 });
    assert.deepEqual(await node.keys(), []);
    assert.equal(node.cache.rows.size, 0);
    assert.deepEqual(counts(await remove(node, "kubelet")), NOTHING);
  });

  await step(
    "the freshest of two components' versions is what etcd holds, in whatever order they come",
    async (node) => {
      const at = (resourceVersion: string) => ({ name: "a", resourceVersion });
      await replace(node, { objects: [at("9007199254740993")] });
      await replace(node, { component: "kube-proxy", objects: [at("9007199254740992")] });
      const held = async () => (await node.stored()).get("/pods/default/a")?.value;
      assert.equal(await held(), text(bytesOf(at("9007199254740993"))));
      await replace(node, { component: "kube-proxy", objects: [at("9007199254740994")] });
      assert.equal(await held(), text(bytesOf(at("9007199254740994"))));
      // The freshest lets go: the value stays until a remaining owner has a fresher one.
      await remove(node, "kube-proxy");
      assert.equal(await held(), text(bytesOf(at("9007199254740994"))));
    },
  );

  await step(
    "two versions of one object are one key, and the higher version wins on equal rv",
    async (node) => {
      const hpa = (version: string) => `horizontalpodautoscalers.${version}.autoscaling`;
      await replace(node, { gvr: hpa("v1"), objects: ["h"] });
      const done = await replace(node, { gvr: hpa("v2"), objects: ["h"] });
      assert.deepEqual(counts(done), { ...NOTHING, updated: 1, txns: 1 });
      const key = "/horizontalpodautoscalers/default/h";
      assert.equal((await node.stored()).get(key)?.value, text(bytesOf("h", hpa("v2"))));
      await node.delete(node.prefix + key);
      assert.deepEqual(await node.keys(), []);
      assert.deepEqual(counts(await replace(node, { gvr: hpa("v1"), objects: [] })), {
        ...NOTHING,
        released: 1,
      });
      assert.deepEqual(counts(await remove(node, "kubelet")), { ...NOTHING, txns: 1, released: 1 });
    },
  );

  await step(
    "another's newer value is left, another's older one replaced, an apiserver's a conflict",
    async (node) => {
      const key = (name: string) => `${node.prefix}/pods/default/${name}`;
      await node.put(key("newer"), text(bytesOf({ name: "newer", resourceVersion: "9" })));
      await node.put(key("older"), text(bytesOf({ name: "older", resourceVersion: "3" })));
      await node.put(key("proto"), "k8s\0\n\x0b");
      await node.put(key("bare"), text(bytesOf({ name: "bare", resourceVersion: "" })));
      const before = await node.stored();
      const done = await replace(node, { objects: ["newer", "older", "proto", "bare", "new"] });
      assert.deepEqual(counts(done), { ...NOTHING, created: 1, updated: 1, txns: 1 });
      assert.deepEqual([...done.conflicts].sort(), [
        [key("bare"), "etcd holds a value that an apiserver wrote"],
        [key("proto"), "etcd holds a value that an apiserver wrote"],
      ]);
      const stored = await node.stored();
      for (const name of ["newer", "proto", "bare"]) {
        assert.deepEqual(stored.get(`/pods/default/${name}`), before.get(`/pods/default/${name}`));
      }
      assert.equal(stored.get("/pods/default/older")?.value, text(bytesOf("older")));
      // Only our own two go.
      assert.deepEqual(counts(await remove(node, "kubelet")), {
        ...NOTHING,
        deleted: 2,
        released: 3,
        txns: 1,
      });
      assert.deepEqual(
        await node.keys(),
        ["bare", "newer", "proto"].map((name) => `/pods/default/${name}`),
      );
    },
  );

  await step("a delete of a key that another changed is let go, and said", async (node) => {
    await replace(node, { objects: ["a", "b"] });
    const key = `${node.prefix}/pods/default/a`;
    await node.put(key, "k8s\0theirs");
    const done = await replace(node, { objects: [] });
    assert.equal(done.deleted, 1);
    assert.deepEqual([...done.conflicts.keys()], [key]);
    assert.equal((await node.get(key))?.value, "k8s\0theirs");
    assert.equal(node.cache.rows.size, 0);
    // An etcd that goes back to before that has ours again.
    assert.equal(node.cache.tombstones.has(key), true);
  });

  await step(
    "a key that appears between plan and Txn fails its own guard alone, and is judged",
    async (node) => {
      const key = `${node.prefix}/pods/default/p3`;
      node.etcd.next(async (send) => {
        await node.put(key, text(bytesOf({ name: "p3", resourceVersion: "9" })));
        return await send();
      });
      const done = await replace(node, { objects: many(0, 5) });
      assert.equal(done.created, 4);
      assert.equal(done.failure, undefined);
      assert.equal(
        (await node.get(key))?.value,
        text(bytesOf({ name: "p3", resourceVersion: "9" })),
      );
      assert.equal(node.cache.rows.get(key)?.ours, false);
    },
  );

  await step("so does one in a span of many new keys", async (node) => {
    const key = `${node.prefix}/pods/default/p3`;
    node.etcd.next(async (send) => {
      await node.put(key, text(bytesOf({ name: "p3", resourceVersion: "3" })));
      return await send();
    });
    const done = await replace(node, { objects: many(0, 100) });
    assert.deepEqual([done.created, done.updated, done.failure], [99, 1, undefined]);
    assert.equal((await node.stored()).size, 100);
    assert.equal((await node.get(key))?.value, text(bytesOf("p3")));
  });

  await step(
    "a group that fits no Txn is staged: puts first, then deletes, each Txn its own commit",
    async (node) => {
      await replace(node, { objects: many(0, 60) });
      node.etcd.txns.length = 0;
      const done = await replace(node, { objects: many(60, 120) });
      assert.equal(done.staged, true);
      assert.deepEqual([done.created, done.deleted], [60, 60]);
      assert.ok(done.txns >= 4, String(done.txns));
      assert.equal((await node.stored()).size, 60);
      // Seen from outside: as long as there are old keys, no new one is missing.
      const kinds = node.etcd.txns.map((txn) =>
        JSON.stringify(txn).includes("request_delete_range")
      );
      assert.deepEqual(kinds, kinds.toSorted());
    },
    { requestBytes: 4_096 },
  );

  await step(
    "requireSingleTxn refuses a group that does not fit before anything is written",
    async (node) => {
      await replace(node, { objects: ["a"] });
      const revision = await node.revision();
      const done = await replace(node, { objects: many(0, 100), requireSingleTxn: true });
      assert.equal(done.failure?.code, "TooLarge");
      assert.match(done.failure?.message ?? "", /^kubelet\/pods.* Raise --etcd-max-request-bytes/);
      assert.equal(await node.revision(), revision);
      assert.equal(node.cache.rows.size, 1);
    },
    { requestBytes: 4_096 },
  );

  for (const lost of [false, true]) {
    const answer = lost ? "its answer is lost" : "it answers";
    await step(
      `an etcd that comes back empty under an operation gets all back: ${answer}`,
      async (node) => {
        await put(node, [{ objects: ["a", "b"] }]);
        node.etcd.next(async (send) => {
          await node.wipeEtcd();
          if (lost) throw new EtcdError("unavailable", "etcd has started again");
          return await send();
        });
        const values = new Map(
          ["a", "b", "c"].map((name) => [`${node.prefix}/pods/default/${name}`, bytesOf(name)]),
        );
        const done = await replace(node, {
          component: "kube-proxy",
          objects: ["c"],
          bytesOf: (key) => values.get(key),
        });
        assert.equal(done.failure, undefined);
        assert.deepEqual(await node.keys(), ["a", "b", "c"].map((name) => `/pods/default/${name}`));
      },
    );
  }

  const shared = async (node: TestNode) => {
    await remove(node, "web");
    await replace(node, { objects: ["shared"] });
    await replace(node, { component: "web", objects: ["shared", "own"] });
    return listComponentKeys(node.cache, "web");
  };
  for (
    const [what, operation] of Object.entries({
      "a delete of a component": (node: TestNode) => remove(node, "web"),
      "a list": (node: TestNode) =>
        replace(node, { component: "web", objects: [{ name: "own", resourceVersion: "9" }] }),
    })
  ) {
    await step(`${what} that comes to nothing lets go of nothing`, async (node) => {
      const before = await shared(node);
      node.etcd.next(unreachable);
      assert.ok((await operation(node)).failure);
      assert.deepEqual(listComponentKeys(node.cache, "web"), before);
      // Or else what another lets go of then would be gone, though web was never answered.
      await remove(node, "kubelet");
      assert.deepEqual(await node.keys(), ["/pods/default/own", "/pods/default/shared"]);
    });

    await step(`${what} whose process dies is done as a whole, or not at all`, async (node) => {
      for (const hook of [dieBefore, dieAfter]) {
        const before = await shared(node);
        node.etcd.next(hook);
        await assert.rejects(operation(node), /died/);
        await node.restart();
        await recover(node.context);
        const after = listComponentKeys(node.cache, "web");
        const [key = ""] = before.filter((one) => one.endsWith("/shared"));
        assert.equal(after.includes(key), hook === dieBefore);
        await operation(node);
        assert.equal(listComponentKeys(node.cache, "web").includes(key), false);
      }
    });
  }

  await step("a list that comes to nothing takes up nothing", async (node) => {
    await replace(node, { objects: ["shared"] });
    node.etcd.next(unreachable);
    const done = await replace(node, { component: "web", objects: ["shared", "own"] });
    assert.ok(done.failure);
    assert.deepEqual(listComponentKeys(node.cache, "web"), []);
  });

  await step(
    "a list that must be one Txn is one, though an etcd that was reset needs others' keys too",
    async (node) => {
      const held = many(0, 40);
      await put(node, [{ objects: held }]);
      await replace(node, { component: "app", objects: [{ name: "p1", resourceVersion: "1" }] });
      await node.wipeEtcd();
      const values = new Map(
        held.map((one) => [`${node.prefix}/pods/default/${one.name}`, bytesOf(one)]),
      );
      // What is put of p1 is kubelet's, which is fresher; it belongs to the list of app's.
      const done = await replace(node, {
        component: "app",
        objects: [{ name: "p1", resourceVersion: "2" }, ...many(100, 108)],
        requireSingleTxn: true,
        bytesOf: (key) => values.get(key),
      });
      assert.deepEqual([done.failure, done.staged, done.created], [undefined, true, 48]);
      const stored = await node.stored();
      const names = ["p1", ...many(100, 108).map(({ name }) => name)];
      assert.equal(new Set(names.map((name) => stored.get(`/pods/default/${name}`)?.mod)).size, 1);
      assert.equal(stored.get("/pods/default/p1")?.value, text(bytesOf("p1")));
    },
    { maxTxnOps: 8 },
  );

  await step(
    "an object that fits no request is left out and named; the rest goes on",
    async (node) => {
      const done = await put(node, [{
        objects: ["a", { name: "huge", padding: 5_000 }, "b"],
      }]);
      assert.deepEqual([...done.tooLarge.keys()], [`${node.prefix}/pods/default/huge`]);
      assert.equal(done.failure, undefined);
      assert.deepEqual(await node.keys(), ["/pods/default/a", "/pods/default/b"]);
    },
    { requestBytes: 4_096 },
  );

  await step(
    "a request that etcd finds too large after all is halved until it passes",
    async (node) => {
      // We believe that etcd takes 4 MiB; it takes 1.5.
      const done = await replace(node, { objects: many(0, 100, { padding: 30_000 }) });
      assert.deepEqual([done.created, done.staged, done.failure], [100, true, undefined]);
      assert.equal((await node.stored()).size, 100);
    },
    { requestBytes: 4 * 1024 * 1024 },
  );

  for (const [what, hook] of [["an answer", loseAnswer], ["a request", loseRequest]] as const) {
    await step(
      `${what} of a small Txn that was lost leaves the others as large as before`,
      async (node) => {
        node.etcd.next(hook);
        const done = await put(node, [
          { gvr: "configmaps.v1.core", objects: ["a"] },
          { objects: many(0, 3_000, { padding: 400 }) },
        ]);
        assert.deepEqual([done.failure, done.created], [undefined, 3_001]);
        assert.ok(done.txns <= 4, `${done.txns} Txns`);
      },
    );

    await step(
      `${what} of a large Txn that was lost makes the next ones smaller, and not all`,
      async (node) => {
        node.etcd.next(hook);
        const done = await put(node, [{ objects: many(0, 3_000, { padding: 2_500 }) }]);
        assert.deepEqual([done.failure, done.created], [undefined, 3_000]);
        const sizes = node.etcd.txnBytes;
        const [first = 0, second = 0] = sizes.filter((bytes) => bytes > 10_000);
        assert.ok(second > first / 4 && second < first * 0.6, `${first}, then ${second} bytes`);
        assert.ok(Math.max(...sizes.slice(3)) > first * 0.8, sizes.join());
        assert.ok(done.txns <= 12, `${done.txns} Txns`);
      },
    );
  }

  await step(
    "values of others that are too much for one answer are read in halves",
    async (node) => {
      const names = ["a", "b", "c", "d"];
      for (const name of names) await node.put(`${node.prefix}/pods/default/${name}`, "another's");
      const before = Number(await node.revision());
      let reads = 0;
      const oneValueAtMost: ValuesHook = async (send, requests) => {
        reads++;
        if (requests.length <= 1) return await send();
        throw new EtcdError("answer-too-large", "larger than this client accepts");
      };
      node.etcd.nextValues(...Array.from({ length: 20 }, () => oneValueAtMost));
      const done = await replace(node, { objects: names });
      assert.deepEqual([...done.conflicts.keys()].length, 4);
      assert.deepEqual(counts(done), NOTHING);
      assert.equal(reads, 7, "4, 2 + 2, and 1 each");
      assert.equal(Number(await node.revision()), before, "another's value is no reason to write");
      assert.equal(done.revision, await node.revision());
      for (const { value } of (await node.stored()).values()) assert.equal(value, "another's");
    },
  );

  for (const maxTxnOps of [4, 8, 14, 20]) {
    await step(
      `a --max-txn-ops of ${maxTxnOps} is kept to by every Txn, reads and first imports too`,
      async (node) => {
        // As many resources as may be guarded as a whole, with as few keys as that takes.
        const gvrs = Array.from({ length: 10 }, (_, at) => `things${at}.v1.core`);
        const imported = await put(node, gvrs.map((gvr) => ({ gvr, objects: many(0, 9) })));
        assert.deepEqual([imported.created, imported.failure], [90, undefined]);
        const done = await replace(node, { objects: many(0, 60) });
        assert.deepEqual([done.created, done.failure], [60, undefined]);
        // Every value has to be read again.
        await node.cache.giveUp({
          expected: node.cache.fence.expected,
          seq: node.cache.fence.seq,
          newEpoch: true,
        });
        const revision = Number(done.revision);
        const again = await replace(node, { objects: many(0, 60) });
        assert.deepEqual([again.created + again.updated, again.failure], [0, undefined]);
        const mods = [...(await node.stored()).values()].map(({ mod }) => Number(mod));
        assert.ok(mods.every((mod) => mod <= revision));
      },
      { maxTxnOps },
    );
  }
});
