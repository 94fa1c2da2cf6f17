import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { edgekeyd } from "../support/edgekeyd_process.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { expectExit, shown } from "./_contract.ts";
import { EdgeNode, EtcdView, objectBytes } from "./_node.ts";

const SECRET = "cGFzc3dvcmQtb2YtdGhlLXBvb2w=";

/** Layouts, scopes, overrides, custom resources, two versions and several owners of one key. */
const OBJECTS: readonly (readonly [path: string, key: string, apiVersion?: string])[] = [
  ["kubelet/nodes.v1.core/edge-1", "minions/edge-1"],
  ["kube-proxy/nodes.v1.core/edge-1", "minions/edge-1"],
  ["kubelet/namespaces.v1.core/default", "namespaces/default"],
  ["kubelet/pods.v1.core/default/a", "pods/default/a"],
  ["kubelet/configmaps.v1.core/default/token", "configmaps/default/token"],
  ["kube-proxy/services.v1.core/default/web", "services/specs/default/web"],
  ["kube-proxy/endpoints.v1.core/default/web", "services/endpoints/default/web"],
  ["kubelet/leases.v1.coordination.k8s.io/kube-node-lease/edge-1", "leases/kube-node-lease/edge-1"],
  ["agent/ingresses.v1.networking.k8s.io/default/web", "ingress/default/web"],
  ["agent/widgets.v1.example.com/default/w", "example.com/widgets/default/w"],
  ["agent/gadgets.v1.example.com/cluster-wide", "example.com/gadgets/cluster-wide"],
  ["old/pods/default/b", "pods/default/b", "v1"],
  ["old/endpointslices/default/s", "endpointslices/default/s", "discovery.k8s.io/v1"],
];
const KEYS = new Set(OBJECTS.map(([, key]) => key));

function fill(node: EdgeNode): Map<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  for (const [path, key, apiVersion] of OBJECTS) {
    const bytes = node.write(path, {
      ...(apiVersion === undefined ? {} : { apiVersion }),
      ...(key.endsWith("/token") ? { more: { data: { token: SECRET } } } : {}),
    });
    values.set(`${node.prefix}/${key}`, bytes);
  }
  // Left out by default.
  node.write("kubelet/secrets.v1.core/default/token", { more: { data: { token: SECRET } } });
  Deno.mkdirSync(`${node.cacheDir}/kubelet/replicationcontrollers.v1.core`);
  Deno.mkdirSync(`${node.cacheDir}/_internal/restmapper`, { recursive: true });
  Deno.writeTextFileSync(`${node.cacheDir}/_internal/restmapper/cache-crd-restmapper.conf`, "");
  Deno.writeTextFileSync(`${node.cacheDir}/version`, "{}");
  return values;
}

Deno.test("reconcile: from the first import to the last delete", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server, "edge-1");
  const values = fill(node);
  const here = `/${node.name}/`;
  const outputs: string[] = [];
  const seen = <T extends { stdout: string; stderr: string }>(result: T): T => {
    outputs.push(result.stdout, result.stderr);
    return result;
  };

  await t.step("a dry run writes nothing, makes no state, and has the plan", async () => {
    const before = await etcd.revision();
    const dry = seen(await node.reconcile("--dry-run"));
    expectExit(dry, 0);
    strictEqual(await etcd.revision(), before);
    strictEqual((await etcd.keys("/")).size, 0);
    deepStrictEqual([...Deno.readDirSync(node.root)].map(({ name }) => name), ["cache"]);
    deepStrictEqual(new Set(dry.report.plan?.map(({ key }) => key)), new Set(values.keys()));
    deepStrictEqual(new Set(dry.report.plan?.map(({ action }) => action)), new Set(["put"]));
    const pod = dry.report.plan?.find(({ key }) => key.endsWith("/pods/default/a"));
    strictEqual(pod?.owner, "kubelet/pods.v1.core");
    strictEqual(pod?.reason, "new");
    strictEqual(dry.report.created, KEYS.size);
    strictEqual(dry.report.secretsLeftOut, 1);
    strictEqual(dry.report.status, "in-step");
    strictEqual(dry.report.txns, 1);
  });

  await t.step("a first import puts every key, bytes unchanged, and the fence", async () => {
    const before = BigInt(await etcd.revision());
    const first = seen(await node.reconcile());
    expectExit(first, 0);
    const { report } = first;
    strictEqual(first.stderr, "");
    strictEqual(report.created, KEYS.size);
    strictEqual(report.secretsLeftOut, 1);
    deepStrictEqual(
      [report.updated, report.deleted, report.released, report.unchanged, report.recovered],
      [0, 0, 0, 0, 0],
    );
    deepStrictEqual([report.txns, report.staged], [1, false]);
    strictEqual(BigInt(report.revision), before + 1n);
    strictEqual(await etcd.revision(), report.revision);
    const found = await etcd.keys(`${node.prefix}/`);
    deepStrictEqual([...found.keys()].sort(), [...values.keys()].sort());
    for (const [key, value] of values) {
      deepStrictEqual(found.get(key)?.value, Buffer.from(value), key);
      strictEqual(found.get(key)?.mod, report.revision, key);
    }
    deepStrictEqual([...(await etcd.keys("/edgekeyd/")).keys()], ["/edgekeyd/edge-1/fence"]);
    strictEqual((await etcd.keys("/")).size, KEYS.size + 1);
    strictEqual((Deno.statSync(node.stateDir).mode ?? 0) & 0o777, 0o700);
  });

  await t.step("a second run leaves etcd's revision as it was", async () => {
    const before = await etcd.revision();
    const second = seen(await node.reconcile());
    expectExit(second, 0);
    strictEqual(await etcd.revision(), before);
    strictEqual(second.report.revision, before);
    strictEqual(second.report.unchanged, KEYS.size);
    deepStrictEqual([second.report.created, second.report.txns], [0, 0]);
  });

  await t.step("only what changed is written; a shared key is released, not deleted", async () => {
    const bytes = node.write("kubelet/pods.v1.core/default/a", { rv: 2 });
    node.write("kubelet/pods.v1.core/default/new", { rv: 3 });
    node.remove("kube-proxy/nodes.v1.core/edge-1");
    node.remove("old/pods/default/b");
    const dry = seen(await node.reconcile("--dry-run"));
    expectExit(dry, 0);
    const steps = dry.report.plan?.map(({ key, action, owner }) =>
      [key.slice(node.prefix.length + 1), action, owner].join(" ")
    ).sort();
    deepStrictEqual(steps, [
      "minions/edge-1 release kube-proxy/nodes.v1.core",
      "pods/default/a put kubelet/pods.v1.core",
      "pods/default/b delete old/pods.v1.core",
      "pods/default/new put kubelet/pods.v1.core",
    ]);
    const before = await etcd.keys(here);
    const run = seen(await node.reconcile());
    expectExit(run, 0);
    const { created, updated, deleted, released, unchanged, txns } = run.report;
    deepStrictEqual(
      { created, updated, deleted, released, unchanged, txns },
      { created: 1, updated: 1, deleted: 1, released: 1, unchanged: KEYS.size - 2, txns: 1 },
    );
    deepStrictEqual(
      [dry.report.created, dry.report.updated, dry.report.deleted, dry.report.released],
      [created, updated, deleted, released],
    );
    const after = await etcd.keys(here);
    const changed = [...new Set([...before.keys(), ...after.keys()])]
      .filter((key) => before.get(key)?.mod !== after.get(key)?.mod)
      .map((key) => key.slice(node.prefix.length + 1)).sort();
    deepStrictEqual(changed, ["pods/default/a", "pods/default/b", "pods/default/new"]);
    deepStrictEqual(
      after.get(`${node.prefix}/pods/default/a`)?.value,
      Buffer.from(bytes),
    );
  });

  await t.step("text says the same", async () => {
    node.write("kubelet/pods.v1.core/default/new", { rv: 4 });
    const dry = seen(await node.run(["--reconcile", "--settle-time=0", "--dry-run"]));
    expectExit(dry, 0);
    match(
      dry.stdout,
      /^\+ put {5}\/edge-1\/registry\/pods\/default\/new {2}\(kubelet\/pods\.v1\.core: newer resourceVersion\)$/m,
    );
    match(dry.stdout, /^dry run, would be in-step: 1 updated, \d+ unchanged; 1 Txn/m);
    const run = seen(await node.run(["--reconcile", "--settle-time=0"]));
    expectExit(run, 0);
    match(
      run.stdout,
      /^left out {3}1 core Secret \(--include-secrets\)\nin-step: 1 updated, \d+ unchanged; 1 Txn, revision \d+, \d+ ms\n$/,
    );
  });

  await t.step("drift is found and healed", async () => {
    const key = `${node.prefix}/pods/default/a`;
    await etcd.raw.delete().key(key);
    const verify = seen(await node.run(["verify", "-o", "json"]));
    expectExit(
      verify,
      3,
      /pods\/default\/a: missing in etcd.*run `edgekeyd --reconcile --state-dir \S+`/,
    );
    deepStrictEqual(JSON.parse(verify.stdout).drift, [{ key, reason: "missing in etcd" }]);
    const run = seen(await node.reconcile());
    expectExit(run, 0);
    strictEqual(run.report.created, 1);
    expectExit(seen(await node.run(["verify"])), 0);
  });

  await t.step("an etcd that comes back empty gets everything again", async () => {
    await server.kill();
    await server.start({ wipe: true });
    const run = seen(await node.reconcile());
    expectExit(run, 0);
    match(run.stderr, /^edgekeyd: note: etcd came back empty or older/);
    strictEqual((await etcd.keys(`${node.prefix}/`)).size, run.report.created);
    strictEqual(run.report.created, KEYS.size);
  });

  await t.step("no output holds what a Secret holds", () => {
    for (const output of outputs) {
      strictEqual(output.includes(SECRET), false);
      strictEqual(output.includes(atob(SECRET)), false);
    }
    ok(outputs.length > 0);
  });
});

Deno.test("reconcile: what it is told not to look at is kept, and said", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  node.write("kubelet/leases.v1.coordination.k8s.io/default/l");
  node.write("kube-proxy/services.v1.core/default/s");
  const keys = async () =>
    [...(await etcd.keys(`${node.prefix}/`)).keys()].map((key) =>
      key.slice(node.prefix.length + 1)
    );
  for (const leases of ["leases", "pods.apps,leases.coordination.k8s.io"]) {
    const narrow = await node.reconcile("--components=kubelet", `--exclude-resources=${leases}`);
    expectExit(narrow, 0);
    deepStrictEqual(await keys(), ["pods/default/a"], leases);
  }
  expectExit(await node.reconcile(), 0);
  deepStrictEqual(await keys(), ["leases/default/l", "pods/default/a", "services/specs/default/s"]);

  node.remove("kube-proxy");
  node.remove("kubelet/leases.v1.coordination.k8s.io");
  const before = await etcd.revision();
  const kept = await node.reconcile(
    "--components=kubelet",
    "--exclude-resources=leases.v1.coordination.k8s.io",
  );
  expectExit(kept, 0);
  match(kept.stderr, /^edgekeyd: note: 2 keys of components or resources not looked at were kept/);
  strictEqual(await etcd.revision(), before, shown(kept));
  strictEqual(kept.report.unchanged, 1);
});

Deno.test("reconcile: node name and prefix have defaults", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  const run = await edgekeyd([
    "--reconcile",
    `--cache-dir=${node.cacheDir}`,
    `--state-dir=${node.stateDir}`,
    // Without a scheme, and without certificates: http.
    `--etcd-servers=127.0.0.1:${server.port}`,
  ]);
  expectExit(run, 0);
  deepStrictEqual([...(await etcd.keys("/")).keys()], [
    `/edgekeyd/${Deno.hostname().toLowerCase()}/fence`,
    "/registry/pods/default/a",
  ]);
});

Deno.test("reconcile: another node name or prefix on the same state is refused", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.reconcile(), 0);
  const before = await etcd.revision();
  const prefix = await node.reconcile("--etcd-prefix=/other");
  expectExit(prefix, 1, /belongs to --etcd-prefix \/n1\/registry, not \/other; give that value/);
  strictEqual(prefix.report.status, "failed");
  const name = await node.reconcile("--node-name=n2");
  expectExit(name, 1, /belongs to --node-name n1, not n2/);

  // The state directory was lost: its fence is another life's.
  Deno.removeSync(node.stateDir, { recursive: true });
  for (const args of [[], ["--dry-run"]]) {
    const lost = await node.reconcile(...args);
    strictEqual(lost.report.status, "failed");
    expectExit(lost, 1, /another state directory wrote .*--reconcile --adopt/);
  }
  strictEqual(await etcd.revision(), before);
  const left = `${node.prefix}/pods/default/left`;
  await etcd.put(left, objectBytes("kubelet/pods.v1.core/default/left"));
  const told = await etcd.revision();
  const dry = await node.reconcile("--adopt", "--dry-run");
  expectExit(dry, 0);
  deepStrictEqual(dry.report.unclaimed, [left]);
  match(dry.stderr, /note: keys of these resources that belong to no component here: 1,/);
  strictEqual(await etcd.revision(), told);
  const adopted = await node.reconcile("--adopt");
  expectExit(adopted, 0);
  deepStrictEqual(adopted.report.unclaimed, [left]);
  match(adopted.stderr, /note: took over the fence/);
  notStrictEqual(await etcd.revision(), before);
  node.remove("kubelet/pods.v1.core/default/a");
  expectExit(await node.reconcile(), 0);
  deepStrictEqual([...(await etcd.keys(`${node.prefix}/`)).keys()], [left]);
});
