import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import {
  createObject,
  deleteComponentResources,
  deleteObject,
  getObject,
  listObjects,
  type ObjectOptions,
  type ObjectPlace,
  recover,
  standingConflicts,
  updateObject,
} from "../../lib/store/mod.ts";
import { verify } from "../../lib/reconcile/mod.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { loseAnswer, loseRequest, type TxnHook, unreachable } from "../support/hooked_etcd.ts";
import { objectBytes, objectJson } from "../support/objects.ts";
import { TestNode } from "../support/test_node.ts";
import { bytesOf, lookAtAll, put, replace } from "./_operations.ts";

const OPTIONS: ObjectOptions = {
  rules: { policy: "fresher", adopting: false },
  bytesOf: () => undefined,
};
const GVR = { group: "", version: "v1", resource: "pods" };

/** Where the API's component `app` has a pod. */
function place(name: string, component = "app"): ObjectPlace {
  return { component, gvr: GVR, namespace: "default", name };
}

function pod(name: string, resourceVersion = "7"): Uint8Array {
  return objectBytes({ name, resourceVersion });
}

/** Another client changes a key between the plan and the Txn. */
function beforeTxn(work: () => Promise<void>): TxnHook {
  return async (send) => {
    await work();
    return await send();
  };
}

function ownersOf({ cache }: TestNode, key: string): string[] | undefined {
  return cache.rows.get(key)?.owners.map(({ component }) => component);
}

async function onNode(
  server: EtcdServer,
  work: (node: TestNode, key: (name: string) => string) => Promise<void>,
): Promise<void> {
  await using node = await TestNode.start(server);
  await work(node, (name) => `${node.prefix}/pods/default/${name}`);
}

Deno.test("operations on one object, on a real etcd", async (t) => {
  await using server = await startEtcd();
  const step = (name: string, work: Parameters<typeof onNode>[1]) =>
    t.step(name, () => onNode(server, work));

  await step(
    "a create that another was faster than leaves the other's value and no owner",
    async (node, key) => {
      const theirs = "k8s\0theirs";
      node.etcd.next(beforeTxn(() => node.put(key("a"), theirs)));
      await rejects(createObject(node.context, place("a"), pod("a"), OPTIONS), {
        code: "KeyExists",
        message: /an apiserver wrote; delete it in etcd first/,
      });
      strictEqual((await node.get(key("a")))?.value, theirs);
      strictEqual(node.cache.rows.has(key("a")), false);
      await node.delete(key("a"));
      await createObject(node.context, place("a"), pod("a"), OPTIONS);
    },
  );

  await step(
    "a create that another importer was faster than joins it, and puts the fresher version",
    async (node, key) => {
      for (const [name, rv, fresher] of [["a", "3", "7"], ["b", "9", "9"]] as const) {
        const theirs = objectJson({ name, resourceVersion: rv });
        node.etcd.next(beforeTxn(() => node.put(key(name), theirs)));
        const { created, joined } = await createObject(
          node.context,
          place(name),
          pod(name),
          OPTIONS,
        );
        deepStrictEqual([created, joined], [0, 1]);
        const held = objectJson({ name, resourceVersion: fresher });
        strictEqual((await node.get(key(name)))?.value, held);
        deepStrictEqual(ownersOf(node, key(name)), ["app"]);
      }
    },
  );

  for (const [operation, take] of [["create", createObject], ["update", updateObject]] as const) {
    await step(
      `${operation} of what another component holds, by file or by the API, joins it`,
      async (node, key) => {
        await put(node, [{ objects: [{ name: "file", resourceVersion: "7" }] }]);
        await createObject(node.context, place("api", "other"), pod("api"), OPTIONS);
        for (const [name, other] of [["file", "kubelet"], ["api", "other"]] as const) {
          for (const [rv, held, updated] of [["5", "7", 0], ["9", "9", 1]] as const) {
            const done = await take(node.context, place(name), pod(name, rv), OPTIONS);
            deepStrictEqual(
              [done.created, done.updated, done.joined, done.conflicts.size],
              [0, updated, 1, 0],
            );
            const value = objectJson({ name, resourceVersion: held });
            strictEqual((await node.get(key(name)))?.value, value);
            deepStrictEqual(ownersOf(node, key(name)), [other, "app"]);
            await rejects(createObject(node.context, place(name), pod(name, "99"), OPTIONS), {
              code: "KeyExists",
            });
            if (rv === "9") continue;
            // Fresher than what it gave itself, and older than the other's.
            const more = await updateObject(node.context, place(name), pod(name, "6"), OPTIONS);
            deepStrictEqual([more.updated, more.joined], [0, 0]);
            strictEqual((await node.get(key(name)))?.value, value);
            await rejects(updateObject(node.context, place(name), pod(name, "4"), OPTIONS), {
              code: "UpdateConflict",
            });
            await deleteObject(node.context, place(name), OPTIONS);
            deepStrictEqual(ownersOf(node, key(name)), [other]);
          }
        }
      },
    );

    await step(
      `${operation} of what another component holds and etcd has lost puts it`,
      async (node, key) => {
        await createObject(node.context, place("a", "other"), pod("a"), OPTIONS);
        await node.delete(key("a"));
        const done = await take(node.context, place("a"), pod("a", "5"), OPTIONS);
        deepStrictEqual([done.created, done.joined], [1, 0]);
        deepStrictEqual(ownersOf(node, key("a")), ["app"]);
      },
    );

    await step(
      `${operation} of what an apiserver wrote over another component's object is refused`,
      async (node, key) => {
        await createObject(node.context, place("a", "other"), pod("a"), OPTIONS);
        await node.put(key("a"), "k8s\0theirs");
        const code = operation === "create" ? "KeyExists" : "UpdateConflict";
        await rejects(take(node.context, place("a"), pod("a", "99"), OPTIONS), { code });
        deepStrictEqual(ownersOf(node, key("a")), ["other"]);
      },
    );
  }

  await step(
    "what etcd has lost is not updated, whatever the version, and can be created again",
    async (node, key) => {
      for (const rv of ["6", "7", "8"]) {
        await createObject(node.context, place("a"), pod("a"), OPTIONS);
        await node.delete(key("a"));
        await rejects(updateObject(node.context, place("a"), pod("a", rv), OPTIONS), {
          code: "NotFound",
        });
        strictEqual(await node.get(key("a")), undefined);
        const again = await createObject(node.context, place("a"), pod("a"), OPTIONS);
        strictEqual(again.created, 1);
        await node.delete(key("a"));
        const same = await createObject(node.context, place("a"), pod("a"), OPTIONS);
        deepStrictEqual([same.created, ownersOf(node, key("a"))], [1, ["app"]]);
        await deleteObject(node.context, place("a"), OPTIONS);
      }
    },
  );

  await step(
    "an older version of what the API was given is said for as long as etcd holds it",
    async (node, key) => {
      const rules = { policy: "fresher", adopting: false } as const;
      const told = async () => {
        const { conflicts } = await lookAtAll(node);
        const standing = standingConflicts(node.cache.rows, rules);
        deepStrictEqual(standing, conflicts);
        const { drift } = await verify(node.context);
        deepStrictEqual(drift.map((one) => one.key), [...conflicts.keys()]);
        return [...conflicts];
      };
      const said = (by: string) =>
        `etcd holds resourceVersion 5, and ${by} gave the API 9; have it put again`;
      await createObject(node.context, place("a"), pod("a", "5"), OPTIONS);
      await createObject(node.context, place("b"), pod("b", "9"), OPTIONS);
      const older = await node.copyEtcd();
      await updateObject(node.context, place("a"), pod("a", "9"), OPTIONS);
      deepStrictEqual(await told(), []);
      await older.restore();
      await recover(node.context);
      for (let look = 0; look < 2; look++) {
        deepStrictEqual(await told(), [[key("a"), said("app")]], "after a restore");
      }
      await updateObject(node.context, place("a"), pod("a", "9"), OPTIONS);
      deepStrictEqual(await told(), []);
      await node.put(key("b"), objectJson({ name: "b", resourceVersion: "5" }));
      for (let look = 0; look < 2; look++) {
        deepStrictEqual(await told(), [[key("b"), said("app")]], "by another importer");
      }
      await createObject(node.context, place("b", "web"), pod("b", "9"), OPTIONS);
      deepStrictEqual(await told(), []);
    },
  );

  await step(
    "a create that failed as etcd went away, once another was faster, has left no owner",
    async (node, key) => {
      const theirs = objectJson({ name: "a", resourceVersion: "3" });
      node.etcd.next(beforeTxn(() => node.put(key("a"), theirs)));
      node.etcd.nextValues(unreachable);
      await rejects(createObject(node.context, place("a"), pod("a"), OPTIONS), {
        code: "Etcd",
      });
      strictEqual(node.cache.rows.has(key("a")), false);
      strictEqual((await node.get(key("a")))?.value, theirs);
    },
  );

  await step(
    "an update that another was faster than is a conflict, and may be tried again",
    async (node, key) => {
      await createObject(node.context, place("a"), pod("a"), OPTIONS);
      const theirs = objectJson({ name: "a", resourceVersion: "8" });
      node.etcd.next(beforeTxn(() => node.put(key("a"), theirs)));
      const update = () => updateObject(node.context, place("a"), pod("a", "9"), OPTIONS);
      await rejects(update(), { code: "UpdateConflict" });
      strictEqual((await node.get(key("a")))?.value, theirs);
      await update();
      strictEqual(
        (await node.get(key("a")))?.value,
        objectJson({ name: "a", resourceVersion: "9" }),
      );
      await rejects(update(), { code: "UpdateConflict" });
    },
  );

  await step("an update of what is deleted under it is not found", async (node, key) => {
    await createObject(node.context, place("a"), pod("a"), OPTIONS);
    node.etcd.next(beforeTxn(() => node.delete(key("a"))));
    const update = updateObject(node.context, place("a"), pod("a", "9"), OPTIONS);
    await rejects(update, { code: "NotFound" });
    strictEqual(await node.get(key("a")), undefined);
    strictEqual(node.cache.rows.has(key("a")), false);
  });

  await step(
    "a lost answer, or a lost request, is settled before it is answered",
    async (node, key) => {
      node.etcd.next(loseAnswer);
      await createObject(node.context, place("a"), pod("a"), OPTIONS);
      node.etcd.next(loseRequest);
      await updateObject(node.context, place("a"), pod("a", "9"), OPTIONS);
      strictEqual(
        (await node.get(key("a")))?.value,
        objectJson({ name: "a", resourceVersion: "9" }),
      );
      strictEqual(node.cache.intent, undefined);
    },
  );

  await step(
    "a component lets go though the other's file, which is to be put now, holds something else",
    async (node, key) => {
      await replace(node, { component: "app", objects: ["a"] });
      await put(node, [{ objects: ["a"] }]);
      await node.wipeEtcd();
      await recover(node.context);
      await deleteObject(node.context, place("a"), OPTIONS);
      deepStrictEqual(ownersOf(node, key("a")), ["kubelet"]);
    },
  );

  await step(
    "what the others hold is put at once when the component with the highest version is deleted, and no sooner when it lets go by itself",
    async (node, key) => {
      await replace(node, { objects: [{ name: "a", resourceVersion: "5" }] });
      await replace(node, { component: "app", objects: [{ name: "a", resourceVersion: "9" }] });
      const held = bytesOf({ name: "a", resourceVersion: "5" });
      const options = { ...OPTIONS, bytesOf: () => held, requireSingleTxn: false };
      await deleteComponentResources(node.context, "app", options);
      const value = async () => (await node.get(key("a")))?.value;
      const newer = objectJson({ name: "a", resourceVersion: "9" });
      strictEqual(await value(), newer, "an object of the API's");
      await put(node, [{ objects: [{ name: "a", resourceVersion: "5" }] }]);
      await replace(node, { component: "app", objects: [{ name: "a", resourceVersion: "9" }] });
      await deleteObject(node.context, place("a"), options);
      strictEqual(await value(), newer, "the other's delete may be on its way");
      await replace(node, { component: "app", objects: [{ name: "a", resourceVersion: "9" }] });
      await deleteComponentResources(node.context, "app", options);
      strictEqual(await value(), objectJson({ name: "a", resourceVersion: "5" }));
    },
  );

  await step("what another component holds stays when one lets go of it", async (node, key) => {
    await replace(node, { objects: ["a"] });
    await replace(node, { component: "app", objects: ["a"] });
    const { deleted, released } = await deleteObject(node.context, place("a"), OPTIONS);
    deepStrictEqual({ deleted, released }, { deleted: 0, released: 1 });
    strictEqual((await node.get(key("a")))?.value, objectJson({ name: "a" }));
    await rejects(deleteObject(node.context, place("a"), OPTIONS), { code: "NotFound" });
    await deleteObject(node.context, place("a", "kubelet"), OPTIONS);
    strictEqual(await node.get(key("a")), undefined);
  });

  await step(
    "an object is read as it is; a list at one revision, its own keys alone",
    async (node, key) => {
      const names = Array.from({ length: 600 }, (_, index) => `p${index}`);
      await replace(node, { component: "app", objects: names });
      await node.put(key("p0-not-ours"), "theirs");
      deepStrictEqual(
        new Uint8Array(await getObject(node.context, place("p1"))),
        bytesOf("p1"),
      );
      await rejects(getObject(node.context, place("p0-not-ours")), { code: "NotFound" });
      const list = { component: "app", gvr: GVR, namespace: undefined };
      const { values, revision } = await listObjects(node.context, list);
      deepStrictEqual([...values.keys()].sort(), names.map(key).sort());
      strictEqual(revision, await node.revision());
      strictEqual((await listObjects(node.context, { ...list, namespace: "none" })).values.size, 0);
    },
  );

  await step(
    "what another component's object left behind, deleted in etcd, is no object in the way",
    async (node) => {
      await createObject(node.context, place("a", "gone"), pod("a"), OPTIONS);
      await node.delete(`${node.prefix}/pods/default/a`);
      const done = await createObject(node.context, place("a"), pod("a", "99"), OPTIONS);
      deepStrictEqual([done.created, await node.keys()], [1, ["/pods/default/a"]]);
      await node.delete(`${node.prefix}/pods/default/a`);
      const same = await createObject(node.context, place("a", "other"), pod("a", "99"), OPTIONS);
      deepStrictEqual([same.created, await node.keys()], [1, ["/pods/default/a"]]);
    },
  );

  await t.step("an etcd that was reset is put right along with one object", async () => {
    await using node = await TestNode.start(server, { maxTxnOps: 8 });
    const names = Array.from({ length: 20 }, (_, index) => `p${index}`);
    await put(node, [{ objects: names }]);
    await node.wipeEtcd();
    const bytes = (key: string) => bytesOf(key.slice(key.lastIndexOf("/") + 1));
    const options = { ...OPTIONS, bytesOf: bytes };
    const done = await createObject(node.context, place("a"), pod("a"), options);
    deepStrictEqual([done.created, (await node.keys()).length], [21, 21]);
  });

  await step(
    "an object that fits no request is refused before anything is written",
    async (node) => {
      const before = await node.revision();
      const large = objectBytes({ name: "a", padding: 1_572_000 });
      const create = createObject(node.context, place("a"), large, OPTIONS);
      await rejects(create, { code: "TooLarge" });
      strictEqual(await node.revision(), before);
      strictEqual(node.cache.rows.size, 0);
    },
  );
});
