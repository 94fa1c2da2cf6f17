import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { expectExit, reportOf } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView, objectBytes } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { readStatus } from "../support/status.ts";
import { AT_ONCE_MS, KILLED, ready, startDaemon, until } from "./_daemon.ts";

Deno.test("beside a daemon every command asks it: same output, same exit status", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const p = node.prefix;
  for (let pod = 0; pod < 30; pod++) node.write(`kubelet/pods.v1.core/default/p${pod}`);
  node.write("kube-proxy/nodes.v1.core/edge-1");
  // A change waits for the debounce so long that it is the one-shot that brings it about.
  const flags = ["--debounce=60s", "--settle-time=200ms", "--retry-max=500ms"];
  await using daemon = await startDaemon(node, flags);
  await ready(daemon);
  // After the first pass the daemon looks once more, when all has settled.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const listen = `--listen=unix:${daemon.socket}`;
  const run = async (...args: string[]) => {
    const result = await node.run([...args, listen]);
    ok(result.durationMs < AT_ONCE_MS, `${args[0]} took ${result.durationMs} ms`);
    return result;
  };
  const json = async (...args: string[]) => {
    const result = await run(...args, "-o=json");
    return { ...result, json: JSON.parse(result.stdout) };
  };

  await t.step("--reconcile: in step is 0, with the report of a run of its own", async () => {
    node.write("kubelet/pods.v1.core/default/p0", { rv: 2 });
    const dry = await run("--reconcile", "--dry-run", "-o=json");
    expectExit(dry, 0);
    const planned = reportOf(dry, { dryRun: true });
    deepStrictEqual(planned.plan?.map(({ key, action }) => `${action} ${key}`), [
      `put ${p}/pods/default/p0`,
    ]);
    const done = await run("--reconcile", "-o=json");
    expectExit(done, 0);
    strictEqual(reportOf(done).updated, 1);
    const text = await run("--reconcile");
    expectExit(text, 0);
    match(text.stdout, /^in-step: 31 unchanged; 0 Txns, revision \d+, \d+ ms\n$/);
    const dryText = await run("--reconcile", "--dry-run");
    match(dryText.stdout, /^dry run, would be in-step: 31 unchanged; 0 Txns/);
  });

  await t.step("--reconcile: held back is 3, confirmed is 0", async () => {
    for (let pod = 5; pod < 30; pod++) node.remove(`kubelet/pods.v1.core/default/p${pod}`);
    const held = await run("--reconcile", "-o=json");
    expectExit(held, 3, /25 deletes of kubelet held back/);
    deepStrictEqual(reportOf(held).heldBack, [{ component: "kubelet", deletes: 25 }]);
    const { json: status } = await json("status");
    match(status.notReady.join(), /25 deletes of kubelet are held back/);
    const page = await run("status");
    expectExit(page, 3, /in step but for 25 deletes of kubelet held back .*--confirm-deletes/);
    match(
      page.stdout,
      /^component {4}kubelet: 30 keys, 25 deletes held back, looked at \d+ s ago$/m,
    );
    match(page.stdout, /^component {4}kube-proxy: 1 key, in step \d+ s ago$/m);
    const confirmed = await run("--reconcile", "--confirm-deletes", "-o=json");
    expectExit(confirmed, 0);
    strictEqual(reportOf(confirmed).deleted, 25);
    strictEqual((await etcd.keys(`${p}/pods/`)).size, 5);
  });

  await t.step("what the daemon has other flags for is said", async () => {
    const other = await run("--reconcile", "--settle-time=0", "--conflict-policy=skip", "--adopt");
    expectExit(other, 0);
    const notes = other.stderr.trimEnd().split("\n");
    deepStrictEqual(notes.map((note) => /has (.*), and that counts/.exec(note)?.[1]).sort(), [
      "--conflict-policy=fresher",
      "--settle-time=200ms",
      "no --adopt",
    ]);
    const another = await run("--reconcile", "--node-name=n2");
    expectExit(another, 1, /belongs to --node-name n1, not n2/);
  });

  await t.step("keys, owners, verify", async () => {
    const pods = await run("keys", "kubelet", "pods.v1.core");
    expectExit(pods, 0);
    deepStrictEqual(pods.stdout, [0, 1, 2, 3, 4].map((i) => `${p}/pods/default/p${i}\n`).join(""));
    deepStrictEqual((await json("keys", "kube-proxy")).json, [`${p}/minions/edge-1`]);
    const owners = await run("owners", `${p}/minions/edge-1`);
    expectExit(owners, 0);
    strictEqual(owners.stdout, "kube-proxy nodes.v1.core\n");
    expectExit(await run("owners", `${p}/minions/none`), 1, /has no owner on this node/);
    const verified = await run("verify");
    expectExit(verified, 0);
    match(verified.stdout, /^6 keys, 0 drifted, revision \d+\n$/);
    await etcd.put(`${p}/pods/default/p4`, "k8s\0theirs");
    const drift = await run("verify", "-o=json");
    expectExit(drift, 3, /p4: changed in etcd by another/);
    strictEqual(JSON.parse(drift.stdout).drift.length, 1);
  });

  await t.step("status is a page for a person", async () => {
    expectExit(await run("--reconcile", "-o=json"), 3, /1 key left to others/);
    const page = await run("status");
    expectExit(page, 3, /in step but for 1 key left to others \(.*p4: /);
    match(page.stdout, /^node {9}n1 \(keys under \/n1\/registry\), the daemon is running$/m);
    match(page.stdout, /^state {8}partial$/m);
    match(page.stdout, /^ {13}last full pass \d+ s ago$/m);
    match(page.stdout, /^ {13}answers in \d+\.\d ms, revision \d+ at the last pass$/m);
    match(page.stdout, /^component {4}kubelet: 5 keys, 1 conflict, looked at \d+ s ago$/m);
    match(page.stdout, /^ {13}5 pods\.v1\.core$/m);
    match(page.stdout, /^problem {6}1 key left to others$/m);
    match(page.stdout, /^problem {6}.*p4: etcd holds a value that an apiserver wrote$/m);
    match(page.stdout, /^problem {6}\(delete them in etcd/m);
    const status = readStatus((await run("status", "-o=json")).stdout);
    const reason = "etcd holds a value that an apiserver wrote";
    strictEqual(status.daemon, true);
    deepStrictEqual(status.conflicts, [{ key: `${p}/pods/default/p4`, reason }]);
    strictEqual(status.state, "partial");
  });

  await t.step("delete-component", async () => {
    expectExit(
      await run("delete-component", "kube-proxy"),
      1,
      /kube-proxy is still in the fs cache.*remove it first/,
    );
    node.remove("kube-proxy");
    const { json: gone, ...result } = await json("delete-component", "kube-proxy");
    expectExit(result, 0);
    deepStrictEqual(gone, { deleted: 1, released: 0, conflicts: [], txns: 1, staged: false });
    expectExit(await run("delete-component", "kube-proxy"), 0);
  });

  await t.step("delete-unclaimed", async () => {
    const [left, theirs] = [`${p}/pods/default/left-behind`, `${p}/pods/default/p4`];
    await etcd.put(left, objectBytes("x/pods.v1.core/default/left-behind"));
    const owned = `${p}/pods/default/p3`;
    expectExit(
      await run("delete-unclaimed", left, owned),
      1,
      /p3" has an owner on this node; see `edgekeyd owners --state-dir \S+`; nothing was deleted$/,
    );
    expectExit(await run("delete-unclaimed", left, theirs), 1, /p4" has an owner on this node/);
    strictEqual((await etcd.keys(left)).size, 1);
    const { json: gone, ...result } = await json("delete-unclaimed", left);
    expectExit(result, 0);
    deepStrictEqual(gone, { deleted: 1, released: 0, conflicts: [], txns: 1, staged: false });
    strictEqual((await etcd.keys(left)).size, 0);
  });

  await t.step("import-key-cache", async () => {
    const [left, gone] = [`${p}/pods/default/left-behind`, `${p}/pods/default/gone`];
    await etcd.put(left, objectBytes("x/pods.v1.core/default/left-behind"));
    const file = `${node.root}/component-key-cache`;
    Deno.writeTextFileSync(file, `kubelet#_v1_pods:${left},${p}/pods/default/p3,${gone}\n`);
    const revision = await etcd.revision();
    const { json: taken, ...result } = await json("import-key-cache", file);
    expectExit(result, 0);
    match(result.stderr, /note: nothing was written to etcd yet, the daemon's next full pass will/);
    deepStrictEqual(taken, { taken: 1, held: 1, absent: 1, left: [] });
    strictEqual(await etcd.revision(), revision);
    strictEqual((await run("owners", left)).stdout, "kubelet pods.v1.core\n");
    expectExit(await run("--reconcile"), 3, /1 key left to others/);
    strictEqual((await etcd.keys(left)).size, 0, "no file stands for it");
    Deno.writeTextFileSync(file, "{}\n");
    expectExit(await run("import-key-cache", file), 1, /line 1 is not one of OpenYurt's/);
  });

  await t.step("a machine without certificate authorities is none the worse for it", async () => {
    const env = {
      DENO_TLS_CA_STORE: "system",
      SSL_CERT_FILE: `${node.root}/gone`,
      SSL_CERT_DIR: `${node.root}/gone`,
    };
    const keys = await node.run(["keys", "kubelet", listen], { env });
    expectExit(keys, 0);
    strictEqual(keys.stdout.split("\n").length, 6);
  });

  await t.step("etcd away is 1, with the reason and a report", async () => {
    await server.kill();
    const failed = await run("--reconcile", "-o=json");
    expectExit(failed, 1, KILLED);
    strictEqual(reportOf(failed).status, "failed");
    const dry = await run("--reconcile", "--dry-run", "-o=json");
    expectExit(dry, 1, KILLED);
    deepStrictEqual(reportOf(dry, { dryRun: true }).plan, []);
    await until("away", async () => (await daemon.status()).state === "etcd-away");
    const page = await run("status");
    expectExit(page, 1, KILLED);
    match(page.stdout, /^state {8}etcd-away$/m);
    match(page.stdout, /^problem {6}.* etcd at/m);
    expectExit(await run("verify"), 1, KILLED);
    await server.start();
    expectExit(await run("--reconcile"), 3, /1 key left to others/);
  });

  await t.step("retire", async () => {
    const retired = await run("retire");
    expectExit(retired, 0);
    match(retired.stdout, /^4 deleted, 1 released; 1 Txn\n$/);
    match(
      retired.stderr,
      /^edgekeyd: note: this node has left the pool; .* --rejoin --state-dir \S+`/,
    );
    deepStrictEqual([...(await etcd.keys("/")).keys()], [`${p}/pods/default/p4`]);
    expectExit(await run("--reconcile"), 1, /this node was retired/);
  });

  strictEqual((await daemon.stop()).code, 0);
});
