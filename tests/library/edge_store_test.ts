/** A program that embeds the store, without the agent. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { EdgeStore, type ObjectPlace, type StoreSettings } from "../../lib/mod.ts";
import { expectExit } from "../e2e/_contract.ts";
import { EdgeNode } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { cleanEnv } from "../support/edgekeyd_process.ts";
import { FsCacheDir } from "../support/fs_cache.ts";
import { objectBytes } from "../support/objects.ts";
import { rawEtcd } from "../support/raw_etcd.ts";

const PODS = { group: "", version: "v1", resource: "pods" };
const place = (name: string, component = "mine"): ObjectPlace => ({
  component,
  gvr: PODS,
  namespace: "default",
  name,
});
const list = (...names: string[]) => ({
  component: "mine",
  gvr: PODS,
  namespace: undefined,
  objects: names.map((name) => objectBytes({ name })),
});
const keyOf = (name: string) => `/registry/pods/default/${name}`;

/** A state directory, and the settings of a store in it. */
class Node implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "edgekeyd-library-" });
  readonly settings: StoreSettings;

  constructor(endpoint: string) {
    this.settings = {
      stateDir: `${this.root}/state`,
      etcd: { endpoints: [endpoint], timeoutMs: 10_000 },
      nodeName: "n1",
    };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

/** All object keys in etcd. */
async function keysIn(endpoint: string): Promise<string[]> {
  const etcd = rawEtcd(endpoint);
  try {
    return (await etcd.getAll().prefix("/registry/").keys()).sort();
  } finally {
    etcd.close();
  }
}

Deno.test("EdgeStore: objects and lists of a component, each write with its typed error", async () => {
  await using etcd = await startEtcd();
  using node = new Node(etcd.endpoint);
  await using store = await EdgeStore.open(node.settings);
  strictEqual((await store.create(place("a"), objectBytes({ name: "a" }))).created, 1);
  await rejects(store.create(place("a"), objectBytes({ name: "a" })), { code: "KeyExists" });
  deepStrictEqual(new Uint8Array(await store.get(place("a"))), objectBytes({ name: "a" }));
  await rejects(store.get(place("b")), { code: "NotFound" });
  const newer = objectBytes({ name: "a", resourceVersion: "8" });
  strictEqual((await store.update(place("a"), newer)).updated, 1);
  await rejects(store.update(place("a"), objectBytes({ name: "a" })), { code: "UpdateConflict" });
  await rejects(store.create(place("x"), objectBytes({ name: "y" })), { code: "InvalidContent" });

  const replaced = await store.replaceList(list("b", "c"));
  deepStrictEqual([replaced.created, replaced.deleted, replaced.txns], [2, 1, 1]);
  deepStrictEqual(store.keys("mine"), [keyOf("b"), keyOf("c")]);
  deepStrictEqual(store.owners(keyOf("b")).map(({ component }) => component), ["mine"]);
  deepStrictEqual(store.owners(keyOf("a")), []);
  const { values } = await store.list({ component: "mine", gvr: PODS, namespace: undefined });
  deepStrictEqual([...values.keys()], [keyOf("b"), keyOf("c")]);
  deepStrictEqual((await store.verify()).drift, []);

  strictEqual((await store.delete(place("b"))).deleted, 1);
  strictEqual((await store.deleteComponent("mine")).deleted, 1);
  deepStrictEqual(await keysIn(etcd.endpoint), []);
});

Deno.test("EdgeStore: operations that are asked for at once run one after the other", async () => {
  await using etcd = await startEtcd();
  using node = new Node(etcd.endpoint);
  const store = await EdgeStore.open(node.settings);
  const names = Array.from({ length: 12 }, (_, at) => `p${String(at).padStart(2, "0")}`);
  const created = names.map((name) => store.create(place(name), objectBytes({ name })));
  // Closing waits for what was asked for.
  await store[Symbol.asyncDispose]();
  strictEqual((await Promise.all(created)).length, 12);
  deepStrictEqual(await keysIn(etcd.endpoint), names.map(keyOf));
  await rejects(store.get(place("p00")), { code: "NotReady" });
});

Deno.test("EdgeStore: nobody else opens its state directory, and whoever is next knows what it wrote", async () => {
  await using etcd = await startEtcd();
  using node = new Node(etcd.endpoint);
  {
    await using store = await EdgeStore.open(node.settings);
    await store.replaceList(list("a"));
    await rejects(EdgeStore.open(node.settings), { reason: "locked" });
  }
  await using store = await EdgeStore.open(node.settings);
  deepStrictEqual(store.keys(), [keyOf("a")]);
  strictEqual((await store.replaceList(list())).deleted, 1);
});

Deno.test("EdgeStore: an fs cache is brought in step with etcd; its components are written by no other means", async () => {
  await using etcd = await startEtcd();
  using node = new Node(etcd.endpoint);
  {
    await using store = await EdgeStore.open(node.settings);
    await rejects(store.reconcile(), { name: "NoCacheError" });
  }
  using cache = new FsCacheDir();
  cache.put("kubelet/pods.v1.core/default/a");
  await using store = await EdgeStore.open({
    ...node.settings,
    cache: { directory: cache.root, settleMs: 0 },
  });
  const { report: { plan } } = await store.reconcile({ dryRun: true });
  deepStrictEqual(plan?.map(({ key }) => key), [keyOf("a")]);
  deepStrictEqual(await keysIn(etcd.endpoint), []);
  strictEqual((await store.reconcile()).report.created, 1);
  const clash = place("b", "kubelet");
  await rejects(store.create(clash, objectBytes({ name: "b" })), { code: "ComponentClash" });
  // A list beside it, of a component that the cache does not have.
  strictEqual((await store.replaceList(list("a", "b"))).created, 1);
  strictEqual((await store.deleteComponent("mine")).released, 1);
  deepStrictEqual(await keysIn(etcd.endpoint), [keyOf("a")]);
});

Deno.test("EdgeStore: killed between a list's intent and its Txn, it leaves nothing half done and no ghost", async () => {
  await using etcd = await startEtcd();
  using node = new Node(etcd.endpoint);
  const { signal, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-prompt",
      fromFileUrl(new URL("_killed_child.ts", import.meta.url)),
      node.settings.stateDir,
      etcd.endpoint,
    ],
    clearEnv: true,
    env: cleanEnv(),
  }).output();
  strictEqual(signal, "SIGKILL", new TextDecoder().decode(stderr));
  deepStrictEqual(await keysIn(etcd.endpoint), [keyOf("a"), keyOf("b")]);
  await using store = await EdgeStore.open(node.settings);
  // The first write clears up what was left open.
  const { created, deleted } = await store.replaceList(list("b", "c"));
  deepStrictEqual([created, deleted], [1, 1]);
  deepStrictEqual(await keysIn(etcd.endpoint), [keyOf("b"), keyOf("c")]);
  deepStrictEqual(store.keys("mine"), [keyOf("b"), keyOf("c")]);
  ok((await store.verify()).drift.length === 0);
});

Deno.test("EdgeStore: names of which no key can be made are refused before anything is written", async () => {
  await using etcd = await startEtcd();
  using node = new Node(etcd.endpoint);
  const refused = { name: "InvalidNameError", code: "BadRequest" };
  for (const nodeName of ["", "claims", "a/b", "A"]) {
    await rejects(EdgeStore.open({ ...node.settings, nodeName }), refused, nodeName);
  }
  for (const etcdPrefix of ["", "registry", "/registry/", "/edgekeyd", "/edgekeyd/n1"]) {
    await rejects(EdgeStore.open({ ...node.settings, etcdPrefix }), refused, etcdPrefix);
  }
  await using store = await EdgeStore.open(node.settings);
  const bytes = objectBytes({ name: "a" });
  for (const component of ["", "..", "a/b", "x".repeat(3_000)]) {
    const at = place("a", component);
    await rejects(store.create(at, bytes), refused, component);
    await rejects(store.update(at, bytes), refused, component);
    await rejects(store.delete(at), refused, component);
    await rejects(store.replaceList({ ...list("a"), component }), refused, component);
    await rejects(store.deleteComponent(component), refused, component);
  }
  for (const resource of ["", "../pods", "Pods", "pods.v1", "x".repeat(3_000)]) {
    const gvr = { ...PODS, resource };
    await rejects(store.create({ ...place("a"), gvr }, bytes), refused, resource);
    await rejects(store.replaceList({ ...list(), gvr }), refused, resource);
  }
  // One of a list is not "", which stands for objects that are in none.
  for (const namespace of ["", "..", "a/b", "x".repeat(3_000)]) {
    await rejects(store.replaceList({ ...list(), namespace }), refused, namespace);
  }
  const namespaces = { ...PODS, resource: "namespaces" };
  await rejects(store.replaceList({ ...list(), gvr: namespaces, namespace: "default" }), refused);
  deepStrictEqual(store.keys(), []);
  deepStrictEqual(await keysIn(etcd.endpoint), []);
  // The store is as good as before.
  strictEqual((await store.create(place("a"), bytes)).created, 1);
});

Deno.test("EdgeStore: a store that is closed once more is closed", async () => {
  await using etcd = await startEtcd();
  using node = new Node(etcd.endpoint);
  await using store = await EdgeStore.open(node.settings);
  await Promise.all([store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()]);
  await store[Symbol.asyncDispose]();
});

Deno.test("EdgeStore: a state directory whose node was retired is not opened until --rejoin", async () => {
  await using etcd = await startEtcd();
  using node = new EdgeNode(etcd);
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.run(["--reconcile"]), 0);
  expectExit(await node.run(["retire"]), 0);
  const settings: StoreSettings = {
    stateDir: node.stateDir,
    etcd: { endpoints: [etcd.endpoint], timeoutMs: 10_000 },
    nodeName: node.name,
    etcdPrefix: node.prefix,
  };
  await rejects(EdgeStore.open(settings), { name: "RetiredError", code: "Retired" });
  // What was held for a moment is given back.
  await rejects(EdgeStore.open(settings), { code: "Retired" });
  expectExit(await node.run(["--reconcile", "--rejoin"]), 0);
  await using store = await EdgeStore.open(settings);
  strictEqual((await store.create(place("b"), objectBytes({ name: "b" }))).created, 1);
});
