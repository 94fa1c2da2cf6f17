import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { expectExit, shown } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView, QUICK } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { type Link, startLink } from "./_link.ts";

const OBJECTS = 40;

/** Objects of about 1 KB; each version has other bytes. */
function fill(node: EdgeNode, rv: number): Map<string, string> {
  const values = new Map<string, string>();
  for (let i = 0; i < OBJECTS; i++) {
    const data = `${rv}`.repeat(900);
    const bytes = node.write(`kubelet/configmaps.v1.core/default/c${i}`, { rv, more: { data } });
    values.set(`${node.prefix}/configmaps/default/c${i}`, new TextDecoder().decode(bytes));
  }
  return values;
}

function reconcile(node: EdgeNode, link: Link, ...args: string[]) {
  const flags = ["-o", "json", `--etcd-servers=${link.endpoint}`, ...QUICK];
  return node.run(["--reconcile", ...flags, ...args]);
}

async function valuesOf(etcd: EtcdView, node: EdgeNode): Promise<Map<string, string>> {
  const held = await etcd.keys(`${node.prefix}/`);
  return new Map([...held].map(([key, { value }]) => [key, value.toString()]));
}

Deno.test("a connection that is cut anywhere in a run is got over within the run", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  let cuts = 0;
  const tries = async (worker: number, share: number[]) => {
    using node = new EdgeNode(server, `cut-${worker}`);
    let rv = 1;
    let values = fill(node, rv);
    await using link = startLink(server.port);
    expectExit(await reconcile(node, link), 0);
    const oneRun = link.sentBytes();
    for (const part of share) {
      values = fill(node, ++rv);
      const before = link.cuts();
      link.rules.cutAfterBytes = link.sentBytes() + Math.round(oneRun * part);
      const run = await reconcile(node, link);
      link.rules.cutAfterBytes = Infinity;
      expectExit(run, 0);
      deepStrictEqual(await valuesOf(etcd, node), values);
      cuts += link.cuts() - before;
      const { recovered } = JSON.parse(run.stdout);
      strictEqual(recovered, 0, "that is for what an earlier run left");
      const versions = await etcd.raw.getAll().prefix(`${node.prefix}/`).exec();
      for (const kv of versions.kvs) strictEqual(Number(kv.version), rv, "put once, not twice");
    }
  };
  const parts = Array.from({ length: 24 }, (_, index) => (index + 0.5) / 24);
  await Promise.all(
    [0, 1].map((worker) => tries(worker, parts.filter((_, i) => i % 2 === worker))),
  );
  ok(cuts >= 20, `${cuts} cuts`);
});

Deno.test("answers that come after the deadline: exit 1, and the next run knows what happened", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server, "late");
  fill(node, 1);
  await using link = startLink(server.port);
  expectExit(await reconcile(node, link), 0);
  const oneRun = link.sentBytes();
  const values = fill(node, 2);
  node.remove("kubelet/configmaps.v1.core/default/c0");
  values.delete(`${node.prefix}/configmaps/default/c0`);
  link.rules.lateByMs = 6_000;
  link.rules.lateAfterBytes = link.sentBytes() + Math.round(oneRun * 0.7);
  // Long enough for all that comes before the Txn, also on a busy machine.
  const late = await reconcile(node, link, "--etcd-timeout=2s");
  // Whichever call came last: the Txn itself, or the reads that were to clear up its outcome.
  expectExit(late, 1, /did not answer in time|no connection in time/);
  ok(late.durationMs < 45_000, shown(late));
  deepStrictEqual(await valuesOf(etcd, node), values, "the Txn was applied all the same");
  const applied = await etcd.revision();

  // What it put goes from the files before anybody could know that it was put.
  node.remove("kubelet/configmaps.v1.core/default/c1");
  values.delete(`${node.prefix}/configmaps/default/c1`);
  link.rules.lateByMs = 0;
  const next = await reconcile(node, link);
  expectExit(next, 0);
  const { recovered, created, updated, deleted } = JSON.parse(next.stdout);
  deepStrictEqual({ recovered, created, updated, deleted }, {
    recovered: 1,
    created: 0,
    updated: 0,
    deleted: 1,
  });
  deepStrictEqual(await valuesOf(etcd, node), values);
  strictEqual(BigInt(await etcd.revision()), BigInt(applied) + 1n);
});

Deno.test("1 Mbit/s with 300 ms of delay: a first import of 6 MB gets through with default flags", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server, "slow");
  const bytes = 6 * 1024 * 1024;
  const data = "x".repeat(bytes / 600 - 150);
  for (let i = 0; i < 600; i++) {
    node.write(`kubelet/configmaps.v1.core/default/c${i}`, { more: { data } });
  }
  await using link = startLink(server.port, { delayMs: 300, bytesPerSecond: 125_000 });
  const run = await node.run(
    ["--reconcile", "-o", "json", `--etcd-servers=${link.endpoint}`],
    { timeoutMs: 150_000 },
  );
  expectExit(run, 0);
  const { created, staged, txns } = JSON.parse(run.stdout);
  deepStrictEqual({ created, staged }, { created: 600, staged: true });
  ok(link.sentBytes() > 5.5 * 1024 * 1024);
  ok(link.sentBytes() < 7 * 1024 * 1024, "nothing was sent twice");
  match(String(txns), /^[4-6]$/);
  strictEqual(await etcd.raw.getAll().prefix(`${node.prefix}/`).count(), 600);
});
