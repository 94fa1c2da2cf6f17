import { Buffer } from "node:buffer";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { expectExit, shown } from "./_contract.ts";
import { EdgeNode, EtcdView, objectBytes } from "./_node.ts";

Deno.test("partial: conflict, invalid and held back are exit 3, the rest is done", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);

  await t.step("a value that an apiserver wrote", async () => {
    using node = new EdgeNode(server, "conflict");
    const key = `${node.prefix}/pods/default/a`;
    node.write("kubelet/pods.v1.core/default/a");
    node.write("kubelet/pods.v1.core/default/b");
    await etcd.put(key, "k8s\0binary");
    const reason = "etcd holds a value that an apiserver wrote";
    const dry = await node.reconcile("--dry-run");
    expectExit(dry, 3, /1 key left to others/);
    const run = await node.reconcile();
    expectExit(run, 3, /^edgekeyd: in step but for 1 key left to others \(\/conflict\/registry/);
    for (const { report } of [dry, run]) {
      strictEqual(report.status, "partial");
      deepStrictEqual(report.conflicts, [{ key, reason }]);
      strictEqual(report.created, 1);
    }
    const text = await node.run(["--reconcile", "--settle-time=0"]);
    expectExit(text, 3);
    match(text.stdout, new RegExp(`^conflict {3}${key}: ${reason}$`, "m"));
    // It is never ours to delete.
    node.remove("kubelet/pods.v1.core/default/a");
    expectExit(await node.reconcile(), 0);
    strictEqual((await etcd.keys(key)).get(key)?.value.toString(), "k8s\0binary");
  });

  await t.step("what another importer wrote", async () => {
    using node = new EdgeNode(server, "fresher");
    const path = "kubelet/pods.v1.core/default/a";
    const key = `${node.prefix}/pods/default/a`;
    await etcd.put(key, objectBytes(path, { rv: 5 }));
    node.write(path, { rv: 4 });
    const newer = await node.reconcile();
    expectExit(newer, 0);
    strictEqual((await etcd.keys(key)).get(key)?.value.toString().includes('"5"'), true);
    node.write(path, { rv: 6 });
    const skip = await node.reconcile("--conflict-policy=skip");
    expectExit(skip, 3, /another importer's value \(--conflict-policy skip\)/);
    expectExit(await node.reconcile(), 0);
    strictEqual((await etcd.keys(key)).get(key)?.value.toString().includes('"6"'), true);
  });

  await t.step("invalid files cost their own update alone", async () => {
    using node = new EdgeNode(server, "invalid");
    node.write("kubelet/pods.v1.core/default/a");
    node.write("kubelet/pods.v1.core/default/b");
    expectExit(await node.reconcile(), 0);
    Deno.writeTextFileSync(`${node.cacheDir}/kubelet/pods.v1.core/default/a`, "");
    Deno.writeTextFileSync(`${node.cacheDir}/kubelet/pods.v1.core/default/c`, '{"kind":"Pod",');
    node.write("kubelet/pods.v1.core/default/d", { kind: "Secret", apiVersion: "v2" });
    node.write("kubelet/pods.v1.core/default/b", { rv: 2 });
    node.write("kubelet/configmaps.v1.core/default/large", { more: { data: "x".repeat(5_000) } });
    Deno.symlinkSync("b", `${node.cacheDir}/kubelet/pods.v1.core/default/link`);
    const run = await node.reconcile("--max-object-bytes=4096");
    expectExit(
      run,
      3,
      /in step but for 5 invalid paths not imported \(kubelet\/.*--max-object-bytes.*; remove what/,
    );
    deepStrictEqual(run.report.invalid.map(({ path }) => path).sort(), [
      "kubelet/configmaps.v1.core/default/large",
      ...["a", "c", "d", "link"].map((name) => `kubelet/pods.v1.core/default/${name}`),
    ]);
    strictEqual(run.report.updated, 1);
    const keys = [...(await etcd.keys(`${node.prefix}/`)).keys()];
    deepStrictEqual(keys, ["a", "b"].map((name) => `${node.prefix}/pods/default/${name}`));
    const text = await node.run(["--reconcile", "--settle-time=0", "--dry-run"]);
    expectExit(text, 3);
    match(text.stdout, /^invalid {4}kubelet\/pods\.v1\.core\/default\/link: /m);
  });

  await t.step("an object that no apiserver could read costs nobody else anything", async () => {
    using node = new EdgeNode(server, "unreadable");
    const secret = "kubelet/secrets.v1.core/default/s";
    const good = node.write(secret);
    expectExit(await node.reconcile("--include-secrets"), 0);
    node.write(secret, { kind: "Pod", rv: 2 });
    node.write("kubelet/clusterroles.v1.rbac.authorization.k8s.io/x/view");
    node.write("kubelet/secrets.v1.apps/default/s", { kind: "Secret", rv: 3 });
    node.write("old/ingresses/default/a", { apiVersion: "extensions/v1beta1" });
    node.write("old/configmaps/default/a");
    const twice = new TextDecoder().decode(objectBytes("kubelet/pods.v1.core/default/a"));
    Deno.mkdirSync(`${node.cacheDir}/kubelet/pods.v1.core/default`, { recursive: true });
    Deno.writeTextFileSync(
      `${node.cacheDir}/kubelet/pods.v1.core/default/a`,
      twice.replace("{", '{"kind":"Secret",'),
    );
    const outage = { kind: "Event", apiVersion: "v1", metadata: { name: "e", namespace: "d" } };
    Deno.mkdirSync(`${node.cacheDir}/kubelet/events.v1.core/d`, { recursive: true });
    Deno.writeTextFileSync(
      `${node.cacheDir}/kubelet/events.v1.core/d/e`,
      JSON.stringify(outage),
    );
    for (const [name, kind] of [["a", "Sensor"], ["b", "Sensor"], ["c", "Pod"]] as const) {
      node.write(`sensor-agent/sensors.v1.devices.example.com/shop/${name}`, { kind });
    }
    node.write("keeper/pods.v1beta1.metrics.k8s.io/shop/a", { kind: "PodMetrics" });
    const run = await node.reconcile("--include-secrets");
    expectExit(run, 3);
    match(run.stderr, / note: took metrics\.k8s\.io for a group of custom resources/m);
    deepStrictEqual(
      run.report.invalid.map(({ path, reason }) => `${path}: ${reason}`).sort(),
      [
        "kubelet/clusterroles.v1.rbac.authorization.k8s.io/x/view: " +
        "has a metadata.namespace, but clusterroles are in none",
        "kubelet/pods.v1.core/default/a: a key stands twice in its top level",
        "kubelet/secrets.v1.apps/default/s: Kubernetes has no secrets in apps",
        `${secret}: kind is Pod, not Secret`,
        "old/ingresses/default/a: no Kubernetes since 1.28 serves ingresses.v1beta1.extensions",
        "sensor-agent/sensors.v1.devices.example.com/shop/c: " +
        "kind is Pod, not Sensor",
      ],
    );
    const p = node.prefix;
    const keys = await etcd.keys(`${p}/`);
    deepStrictEqual([...keys.keys()], [
      `${p}/configmaps/default/a`,
      ...["a", "b"].map((name) => `${p}/devices.example.com/sensors/shop/${name}`),
      `${p}/metrics.k8s.io/pods/shop/a`,
      `${p}/secrets/default/s`,
    ]);
    deepStrictEqual(keys.get(`${p}/secrets/default/s`)?.value, Buffer.from(good));
  });

  await t.step("deletes in bulk are held back", async () => {
    using node = new EdgeNode(server, "bulk");
    for (let i = 0; i < 20; i++) node.write(`kubelet/pods.v1.core/default/p${i}`);
    node.write("kube-proxy/services.v1.core/default/s");
    expectExit(await node.reconcile(), 0);
    for (let i = 0; i < 12; i++) node.remove(`kubelet/pods.v1.core/default/p${i}`);
    node.remove("kube-proxy");
    const before = await etcd.revision();
    const dry = await node.reconcile("--dry-run");
    expectExit(dry, 3);
    const run = await node.reconcile();
    expectExit(run, 3, /13 deletes of kube[a-z-]+, kube[a-z-]+ held back .*--confirm-deletes/);
    for (const { report } of [dry, run]) {
      deepStrictEqual(
        report.heldBack.toSorted((a, b) => a.deletes - b.deletes),
        [{ component: "kube-proxy", deletes: 1 }, { component: "kubelet", deletes: 12 }],
      );
      strictEqual(report.deleted, 0);
    }
    strictEqual(await etcd.revision(), before);
    const text = await node.run(["--reconcile", "--settle-time=0"]);
    match(text.stdout, /^held back {2}kubelet: 12 deletes$/m, shown(text));
    const percent = await node.reconcile("--max-delete-percent=60");
    expectExit(percent, 3, /1 delete of kube-proxy held back/);
    strictEqual(percent.report.deleted, 12);
    // No percentage releases what may be a disk that is not mounted.
    expectExit(await node.reconcile("--max-delete-percent=100"), 3, /1 delete of kube-proxy held/);
    const confirmed = await node.reconcile("--confirm-deletes");
    expectExit(confirmed, 0);
    strictEqual(confirmed.report.deleted, 1);
  });

  await t.step("a rewrite under way keeps its keys, and is said until it is over", async () => {
    using node = new EdgeNode(server, "rewrite");
    node.write("kubelet/pods.v1.core/default/a");
    expectExit(await node.reconcile(), 0);
    const pods = `${node.cacheDir}/kubelet/pods.v1.core`;
    Deno.mkdirSync(`${pods}/tmp_default`);
    Deno.removeSync(`${pods}/default`, { recursive: true });
    const before = await etcd.revision();
    const said =
      /1 resource group being rewritten or moved, .*deletes wait .*kubelet\/pods\.v1\.core/;
    for (const dry of [[], ["--dry-run"]]) {
      const run = await node.reconcile(...dry);
      expectExit(run, 3, said);
      strictEqual(run.report.status, "partial");
      deepStrictEqual(run.report.busy, ["kubelet/pods.v1.core"]);
      const text = await node.run(["--reconcile", "--settle-time=0", ...dry]);
      match(text.stdout, /^busy {7}kubelet\/pods\.v1\.core is being rewritten or moved; /m);
    }
    strictEqual(await etcd.revision(), before);
    const status = await node.run(["status"]);
    expectExit(status, 3, said);
    strictEqual(status.stdout.match(/deletes wait/g)?.length, 1, shown(status));
    Deno.removeSync(`${pods}/tmp_default`);
    const after = await node.reconcile();
    expectExit(after, 0);
    strictEqual(after.report.deleted, 1);
    expectExit(await node.run(["status"]), 0);
  });

  await t.step("what a dead yurthub left of a whole component is said, too", async () => {
    using node = new EdgeNode(server, "component");
    for (const name of ["a", "b"]) node.write(`kubelet/pods.v1.core/default/${name}`);
    expectExit(await node.reconcile(), 0);
    Deno.mkdirSync(`${node.cacheDir}/tmp_kubelet`);
    node.remove("kubelet/pods.v1.core/default/a");
    const run = await node.reconcile();
    expectExit(run, 3, /deletes wait/);
    deepStrictEqual([run.report.deleted, run.report.busy], [0, ["kubelet/pods.v1.core"]]);
    expectExit(await node.run(["status"]), 3, /deletes wait/);
  });

  await t.step("an absence counts once its directory has settled", async () => {
    using node = new EdgeNode(server, "settle");
    for (const name of ["a", "b", "c"]) node.write(`kubelet/pods.v1.core/default/${name}`);
    expectExit(await node.reconcile(), 0);
    const removedAtMs = performance.now();
    node.remove("kubelet/pods.v1.core/default/a");
    const run = await node.reconcile("--settle-time=1500ms");
    expectExit(run, 0);
    strictEqual(run.report.deleted, 1);
    ok(performance.now() - removedAtMs >= 1_500, shown(run));
  });
});
