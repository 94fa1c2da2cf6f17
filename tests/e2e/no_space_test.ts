import { match, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { startEtcd } from "../support/etcd_server.ts";
import { expectExit, shown } from "./_contract.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

const QUOTA_BYTES = 2 * 1024 * 1024;
const FILLERS = 24;
const FILLER_BYTES = 256 * 1024;
/** etcd learns of its own size so often: seldom enough to be filled beyond its quota meanwhile. */
const LOOKS_AT_SIZE = "2s";
const FULL_DEADLINE_MS = 20_000;
const SAYS = /^edgekeyd: etcd at .* is out of space .*NOSPACE alarm.*etcdctl alarm disarm/;

/** etcd before 3.4.20 and 3.5.7 refuses every Txn then, one that only reads or deletes included. */
async function refusesEveryTxn(etcd: EtcdView): Promise<boolean> {
  try {
    await etcd.raw.kv.txn({ success: [{ request_range: { key: Buffer.from("k") } }] });
    return false;
  } catch (error) {
    match(String(error), /database space exceeded/);
    return true;
  }
}

/** Gives etcd its space back. */
async function relieve(etcd: EtcdView): Promise<void> {
  await etcd.raw.delete().prefix("/filler/");
  await etcd.raw.kv.compact({ revision: await etcd.revision(), physical: true });
  await etcd.raw.maintenance.defragment();
  const { alarms } = await etcd.raw.maintenance.alarm({ action: "Get", alarm: "None" });
  for (const { memberID, alarm } of alarms) {
    await etcd.raw.maintenance.alarm({ action: "Deactivate", alarm, memberID });
  }
}

/** Fills etcd beside the agent, far beyond its quota, until it raises its alarm. */
async function exhaust(etcd: EtcdView): Promise<void> {
  const deadline = Date.now() + FULL_DEADLINE_MS;
  for (let i = 0; Date.now() < deadline; i++) {
    try {
      if (i < FILLERS) await etcd.put(`/filler/${i}`, "x".repeat(FILLER_BYTES));
      else await etcd.put("/filler/last", "x");
    } catch (error) {
      match(String(error), /database space exceeded/);
      return;
    }
    if (i >= FILLERS) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("etcd did not run out of space");
}

Deno.test("no space: exit 1 says so and names the alarm, of a dry run too; deletes go through", async () => {
  await using server = await startEtcd({
    args: [`--quota-backend-bytes=${QUOTA_BYTES}`, `--backend-batch-interval=${LOOKS_AT_SIZE}`],
  });
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const more = { data: "x".repeat(1_000) };
  for (let i = 0; i < 40; i++) node.write(`kubelet/configmaps.v1.core/default/c${i}`, { more });
  expectExit(await node.reconcile(), 0);
  await exhaust(etcd);
  const refused = await refusesEveryTxn(etcd);

  // One object is new, one has changed, five are gone, one was let go by one of two.
  node.write("kubelet/pods.v1.core/default/new");
  node.write("kubelet/configmaps.v1.core/default/c10", { rv: 2 });
  for (let i = 0; i < 5; i++) node.remove(`kubelet/configmaps.v1.core/default/c${i}`);
  expectExit(await node.reconcile("--dry-run"), 1, SAYS);
  const run = await node.reconcile();
  expectExit(run, 1, SAYS);
  strictEqual(run.report.status, "failed");
  strictEqual(run.report.deleted, refused ? 0 : 5, shown(run));
  strictEqual(run.report.created, 0);
  strictEqual((await etcd.keys(`${node.prefix}/`)).size, refused ? 40 : 35);

  // Again and again the same, and only deletes.
  const again = await node.reconcile();
  expectExit(again, 1, SAYS);
  for (let i = 5; i < 8; i++) node.remove(`kubelet/configmaps.v1.core/default/c${i}`);
  node.remove("kubelet/pods.v1.core/default/new");
  node.write("kubelet/configmaps.v1.core/default/c10", { rv: 1, more });
  expectExit(await node.reconcile("--dry-run"), refused ? 1 : 0);
  const deletes = await node.reconcile();
  expectExit(deletes, refused ? 1 : 0);
  strictEqual(deletes.report.deleted, refused ? 0 : 3, shown(deletes));
  strictEqual((await etcd.keys(`${node.prefix}/`)).size, refused ? 40 : 32);

  // Once there is space, it goes on by itself.
  node.write("kubelet/pods.v1.core/default/new");
  node.write("kubelet/configmaps.v1.core/default/c10", { rv: 3 });
  await relieve(etcd);
  const after = await node.reconcile();
  expectExit(after, 0);
  strictEqual((await etcd.keys(`${node.prefix}/`)).size, 33);
  expectExit(await node.run(["verify"]), 0);
});
