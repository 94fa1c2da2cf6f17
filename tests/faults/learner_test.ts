import { match, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ready, startDaemon, until } from "../agent/_daemon.ts";
import { expectExit } from "../e2e/_contract.ts";
import { EdgeNode } from "../e2e/_node.ts";
import { failure, withClient } from "../etcd/client.ts";
import { startWithLearner } from "../support/learner.ts";

const RUNS = 6;

Deno.test("a learner among the endpoints costs no run: what it refuses is asked of the next", async () => {
  await using cluster = await startWithLearner();
  const { learner, voter } = cluster;
  const endpoints = [learner.endpoint, voter.endpoint];
  // Which is asked first is left to chance; each Txn is put once.
  for (let run = 0; run < RUNS; run++) {
    const key = Buffer.from(`k${run}`);
    await withClient({ endpoints }, async (etcd) => {
      strictEqual((await etcd.txn({ success: [{ request_put: { key } }] })).succeeded, true);
      strictEqual((await etcd.range({ key })).kvs[0]?.version, "1");
    });
  }
  using node = new EdgeNode(endpoints.join());
  for (let run = 0; run < RUNS; run++) {
    node.write("kubelet/pods.v1.core/default/a", { rv: run + 1 });
    const { code, stderr } = await node.reconcile();
    strictEqual(code, 0, stderr);
  }
});

Deno.test("a learner alone: commands say so, and a daemon is not ready until it is promoted", async () => {
  await using cluster = await startWithLearner();
  const { learner, voter } = cluster;
  const SAYS = /is a learner, which serves no requests .*etcdctl member promote.*--etcd-servers/;
  await withClient({ endpoints: [learner.endpoint] }, async (etcd) => {
    for (const call of [etcd.range({ key: Buffer.from("k") }), etcd.txn({})]) {
      const { reason, outcome, message } = await failure(call);
      strictEqual(reason, "learner");
      strictEqual(outcome, "not-applied");
      match(message, SAYS);
    }
  });
  using node = new EdgeNode(learner);
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.reconcile(), 1, SAYS);
  expectExit(await node.reconcile("--dry-run"), 1, SAYS);
  await using daemon = await startDaemon(node);
  await until("it says so", async () => SAYS.test((await daemon.ask("GET", "/readyz")).text));
  const { status, text } = await daemon.ask("GET", "/readyz");
  strictEqual(status, 503, text);
  const status1 = await node.run(["status"]);
  strictEqual(status1.code, 1);
  match(status1.stdout, SAYS);

  const members = await (await fetch(`${voter.endpoint}/v3/cluster/member/list`, {
    method: "POST",
    body: "{}",
  })).text();
  const id = /"ID":\s*"(\d+)",\s*"name":\s*"learner"/.exec(members)?.[1];
  ok(id, members);
  await until("it is promoted", async () => {
    const promoted = await fetch(`${voter.endpoint}/v3/cluster/member/promote`, {
      method: "POST",
      body: JSON.stringify({ ID: id }),
    });
    await promoted.body?.cancel();
    return promoted.ok;
  });
  await ready(daemon);
  await daemon.stop();
});
