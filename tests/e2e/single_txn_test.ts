import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

function write(node: EdgeNode, names: Iterable<number>, rv: number, bytes = 0): void {
  for (const i of names) {
    node.write(`kubelet/configmaps.v1.core/default/c${i}`, {
      rv,
      ...(bytes === 0 ? {} : { more: { data: { text: "x".repeat(bytes) } } }),
    });
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

Deno.test("single Txn: thousands of objects of a group change in one revision", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  write(node, range(0, 3_000), 1, 100);

  await t.step("3,000 objects land with one mod revision", async () => {
    const before = BigInt(await etcd.revision());
    const run = await node.reconcile("--require-single-txn");
    expectExit(run, 0);
    const { created, txns, staged } = run.report;
    deepStrictEqual({ created, txns, staged }, { created: 3_000, txns: 1, staged: false });
    strictEqual(BigInt(await etcd.revision()), before + 1n);
    const keys = await etcd.keys(`${node.prefix}/`);
    strictEqual(keys.size, 3_000);
    const mods = new Set([...keys.values()].map(({ mod }) => mod));
    deepStrictEqual([...mods], [run.report.revision]);
  });

  await t.step("so do the 1,000 updates and 1,000 deletes of its next list", async () => {
    write(node, range(0, 1_000), 2, 100);
    for (const i of range(2_000, 3_000)) node.remove(`kubelet/configmaps.v1.core/default/c${i}`);
    const before = BigInt(await etcd.revision());
    const run = await node.reconcile("--require-single-txn");
    expectExit(run, 0);
    const { updated, deleted, unchanged, txns, staged } = run.report;
    deepStrictEqual({ updated, deleted, unchanged, txns, staged }, {
      updated: 1_000,
      deleted: 1_000,
      unchanged: 1_000,
      txns: 1,
      staged: false,
    });
    strictEqual(BigInt(await etcd.revision()), before + 1n);
    const keys = await etcd.keys(`${node.prefix}/`);
    strictEqual(keys.size, 2_000);
    const changed = [...keys.values()].filter(({ mod }) => mod === run.report.revision);
    strictEqual(changed.length, 1_000);
  });

  await t.step("nothing changed: nothing written", async () => {
    const before = await etcd.revision();
    const run = await node.reconcile();
    expectExit(run, 0);
    strictEqual(run.report.unchanged, 2_000);
    strictEqual(await etcd.revision(), before);
  });
});

Deno.test("single Txn: small limits of etcd", async (t) => {
  const limits = ["--max-txn-ops=8", "--max-request-bytes=65536"];
  await using server = await startEtcd({ args: limits });
  using etcd = new EtcdView(server);
  const flags = ["--etcd-max-txn-ops=8", "--etcd-max-request-bytes=65536"];

  await t.step("a group that does not fit is staged, or refused before anything", async () => {
    using node = new EdgeNode(server, "staged");
    write(node, range(0, 100), 1, 2_000);
    node.write("kubelet/pods.v1.core/default/a");
    const before = await etcd.revision();
    const refused = await node.reconcile("--require-single-txn", ...flags);
    expectExit(
      refused,
      1,
      /^edgekeyd: kubelet\/configmaps\.v1\.core does not fit one Txn and --require-single-txn is set; nothing was written\. Raise --etcd-max-\S+ here/,
    );
    strictEqual(refused.report.status, "failed");
    strictEqual(await etcd.revision(), before);
    strictEqual((await etcd.keys(`${node.prefix}/`)).size, 0);
    const dryRefused = await node.reconcile("--dry-run", "--require-single-txn", ...flags);
    expectExit(dryRefused, 1, /--require-single-txn/);

    const dry = await node.reconcile("--dry-run", ...flags);
    expectExit(dry, 0);
    const run = await node.reconcile(...flags);
    expectExit(run, 0);
    strictEqual(run.report.status, "in-step");
    strictEqual(run.report.staged, true);
    strictEqual(run.report.created, 101);
    deepStrictEqual([dry.report.staged, dry.report.txns], [true, run.report.txns]);
    strictEqual((await etcd.keys(`${node.prefix}/`)).size, 101);
    expectExit(await node.run(["verify", ...flags]), 0);
    const text = await node.run(["--reconcile", "--settle-time=0", ...flags]);
    match(text.stdout, /^in-step: 101 unchanged; 0 Txns, /);
    const again = await node.reconcile("--require-single-txn", ...flags);
    expectExit(again, 0);
    node.remove("kubelet");
    const gone = await node.run(["delete-component", "kubelet", ...flags]);
    expectExit(gone, 0);
    match(gone.stdout, /^101 deleted, 0 released; \d+ Txns \(staged\)\n$/);
  });

  await t.step("an object that fits no request is invalid, the rest goes on", async () => {
    using node = new EdgeNode(server, "large");
    write(node, [1], 1, 70_000);
    write(node, [2], 1, 100);
    const run = await node.reconcile(...flags);
    expectExit(
      run,
      3,
      /1 invalid path not imported \(kubelet\/configmaps\.v1\.core\/default\/c1: /,
    );
    strictEqual(run.report.created, 1);
    write(node, [3], 1, 65_100);
    const brink = await node.reconcile(...flags);
    expectExit(brink, 3, /2 invalid paths/);
  });

  await t.step("flags that promise more than etcd takes", async () => {
    using node = new EdgeNode(server, "more");
    write(node, range(0, 300), 1, 100);
    const ops = await node.reconcile("--etcd-max-request-bytes=65536");
    expectExit(ops, 1, /too many operations .*; set --etcd-max-txn-ops to its --max-txn-ops/);
    strictEqual(ops.report.status, "failed");
    strictEqual((await etcd.keys(`${node.prefix}/`)).size, 0);
    // Too many bytes are a definite no: halved until they fit.
    const bytes = await node.reconcile("--etcd-max-txn-ops=8");
    expectExit(bytes, 0);
    strictEqual((await etcd.keys(`${node.prefix}/`)).size, 300);
  });
});
